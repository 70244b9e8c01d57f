import { parseHash, parseKey, parseSigner } from "./link.js";
import { PlainReader } from "./plain.js";
import { SealedReader } from "./sealed.js";

/** @import { Link } from "./link.js" */

/**
 * The reader that a link demands of a file. A link with a key is one to an encrypted
 * show, whatever the server sends. What is damaged in the link opens nothing.
 * @param {Pick<Link, "key" | "signer" | "sha256">} link
 * @param {Uint8Array} start of the file
 */
export function readerFor({ key, signer, sha256 }, start) {
  if (sha256 !== null) parseHash(sha256);
  const signedBy = signer === null ? null : parseSigner(signer);
  const encrypted = key !== "" || !startsWith(start, "OggS");
  return { encrypted, reader: encrypted ? new SealedReader(parseKey(key), signedBy) : new PlainReader(signedBy) };
}

/**
 * @param {Uint8Array} bytes
 * @param {string} text
 */
function startsWith(bytes, text) {
  return text === String.fromCharCode(...bytes.subarray(0, text.length));
}
