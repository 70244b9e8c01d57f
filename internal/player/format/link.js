// The part of a link behind its #: KEY&t=SECONDS&wave=…&seek=…, of which a show
// that is not encrypted has no KEY. It never leaves the browser. internal/link
// is the same in Go.

import { decodeBase64url } from "./base64url.js";

const LONGEST = 2 ** 31 - 1; // seconds: 68 years

/**
 * @typedef {object} Link
 * @property {string} key "" of a show that is not encrypted
 * @property {number | null} start seconds
 * @property {Uint8Array | null} wave a byte for each bar
 * @property {string} seek a seek table, as it is written
 */

/**
 * Of several parameters with one name the last one counts. A damaged one is
 * ignored: the show can be heard without it.
 * @param {string} fragment without the #
 * @returns {Link}
 */
export function parseLink(fragment) {
  const parts = fragment.split("&");
  const parameters = new Map(parts.map((part) => split(part)));
  const value = (/** @type {string} */ name) => parameters.get(name) ?? "";
  return {
    key: parts[0].includes("=") ? "" : parts[0],
    start: seconds(value("t")),
    wave: value("wave") ? decodeBase64url(value("wave")) : null,
    seek: decodeBase64url(value("seek")) ? value("seek") : "",
  };
}

/**
 * The fragment with another moment to start at.
 * @param {string} fragment
 * @param {number} start seconds
 */
export function withStart(fragment, start) {
  const rest = fragment.split("&").filter((part) => part !== "" && !part.startsWith("t="));
  return [...rest, `t=${Math.max(0, Math.round(start * 10) / 10)}`].join("&");
}

/**
 * @param {string} part
 * @returns {[name: string, value: string]}
 */
function split(part) {
  const [name, ...value] = part.split("=");
  return [name, value.join("=")];
}

/** @param {string} text */
function seconds(text) {
  const value = /^(\d+\.?\d*|\.\d+)$/.test(text) ? Number(text) : Infinity;
  return value < LONGEST ? value : null;
}
