// The part of a link behind its #: KEY&signer=…&t=SECONDS&wave=…&seek=…&sha256=…,
// of which a show that is not encrypted has no KEY. It never leaves the browser.
// internal/link is the same in Go.

import { decodeBase64url } from "./base64url.js";
import { BlockError } from "./refusal.js";

const KEY_LENGTH = 59; // characters
const PROOF_LENGTH = 43; // of a signer and of a hash: 32 bytes
const LONGEST = 2 ** 31 - 1; // seconds: 68 years

/**
 * @typedef {object} Link
 * @property {string} key "" of a show that is not encrypted
 * @property {string | null} signer as it is written: null where the link names none
 * @property {number | null} start seconds
 * @property {Uint8Array | null} wave a byte for each bar
 * @property {string} seek a seek table, as it is written
 * @property {string | null} sha256 of the whole file, as it is written: null where the link names none
 */

/** @typedef {{secret: Uint8Array<ArrayBuffer>, iv: Uint8Array<ArrayBuffer>}} Key */

/**
 * Of several parameters with one name the last one counts. A damaged one is
 * ignored, because the show can be heard without it. Only signer and hash are kept as they
 * are: ignored, nothing would be proven or compared any more, and nobody would notice.
 * @param {string} fragment without the #
 * @returns {Link}
 */
export function parseLink(fragment) {
  const parts = fragment.split("&");
  const parameters = new Map(parts.map((part) => split(part)));
  const value = (/** @type {string} */ name) => parameters.get(name) ?? "";
  return {
    key: parts[0].includes("=") ? "" : parts[0],
    signer: parameters.get("signer") ?? null,
    start: seconds(value("t")),
    wave: value("wave") ? decodeBase64url(value("wave")) : null,
    seek: decodeBase64url(value("seek")) ? value("seek") : "",
    sha256: parameters.get("sha256") ?? null,
  };
}

/**
 * Reads the key of a link.
 * @param {string} text 59 characters of base64url
 * @returns {Key}
 */
export function parseKey(text) {
  const raw = text.length === KEY_LENGTH ? decodeBase64url(text) : null;
  if (!raw) throw damaged(`the key in the link is damaged: ${KEY_LENGTH} characters are expected behind the #`);
  return { secret: raw.slice(0, 32), iv: raw.slice(32) };
}

/**
 * Reads the public key that the station signs with.
 * @param {string} text 43 characters of base64url
 */
export const parseSigner = (text) => parseProof("signer", text);

/**
 * Reads the SHA-256 of the whole file.
 * @param {string} text 43 characters of base64url
 */
export const parseHash = (text) => parseProof("hash", text);

/**
 * @param {string} what
 * @param {string} text
 */
function parseProof(what, text) {
  const raw = text.length === PROOF_LENGTH ? decodeBase64url(text) : null;
  if (!raw) throw damaged(`the ${what} in the link is damaged: ${PROOF_LENGTH} characters are expected`);
  return raw;
}

/** @param {string} message */
const damaged = (message) => new BlockError("WrongKey", { message });

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
