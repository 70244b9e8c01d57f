// The address of this page: …base/listen/{id}#fragment

import { withStart } from "../format/link.js";

/**
 * @param {string} pathname
 * @returns {{base: string, id: string}} base is "" where the gateway is at the root
 */
export function parsePath(pathname) {
  const at = pathname.lastIndexOf("/listen/");
  return { base: pathname.slice(0, at), id: pathname.slice(at + "/listen/".length) };
}

/**
 * Whether two fragments differ at most in the moment to start at.
 * @param {string} a
 * @param {string} b
 */
export function sameShow(a, b) {
  return withoutStart(a) === withoutStart(b);
}

/**
 * The address of this page, with a moment to start at.
 * @param {{origin: string, pathname: string}} location
 * @param {string} fragment
 * @param {number} seconds
 */
export function linkAt({ origin, pathname }, fragment, seconds) {
  return `${origin}${pathname}#${withStart(fragment, seconds)}`;
}

/** @param {string} fragment */
function withoutStart(fragment) {
  return fragment
    .split("&")
    .filter((part) => !part.startsWith("t="))
    .join("&");
}
