// Epochs of a sealed file: FORMAT.md, "Epochs".

/** @import { Key } from "./link.js" */

const MAGIC = [..."MXCEPOCH"].map((c) => c.charCodeAt(0));
const SALT_SIZE = 20; // bytes: the number of the first block, and 16 random ones
const INFO = new TextEncoder().encode("org.broadcastbot.epoch.v1");
const BITS = 8 * (32 + 12); // of a key and an iv

/** Bytes before the ciphertext of every block of an epoch but the zero one. */
export const PREFIX_SIZE = MAGIC.length + SALT_SIZE;

/**
 * The blocks of a file under one key: begin is the sequence number of the first
 * of them, salt what their key is derived with.
 * @typedef {{begin: number, salt: Uint8Array<ArrayBuffer>}} Epoch
 */

/** @type {Epoch} the zero one, in which every file begins: its key is that of the file */
export const ZERO_EPOCH = { begin: 0, salt: new Uint8Array() };

/**
 * The epoch of a block, from what stands behind its header.
 * @param {Uint8Array} body
 * @param {number} least how many bytes there are behind a prefix, at least
 * @returns {Epoch}
 */
export function epochOf(body, least) {
  if (body.length < PREFIX_SIZE + least || MAGIC.some((byte, i) => body[i] !== byte)) return ZERO_EPOCH;
  const salt = body.slice(MAGIC.length, PREFIX_SIZE);
  const begin = new DataView(salt.buffer).getUint32(0, true);
  return begin > 0 ? { begin, salt } : ZERO_EPOCH;
}

/**
 * @param {Epoch} a
 * @param {Epoch} b
 */
export function sameEpoch(a, b) {
  return a.salt.length === b.salt.length && a.salt.every((byte, i) => byte === b.salt[i]);
}

/**
 * The key of an epoch, derived from that of the file (HKDF, RFC 5869).
 * @param {Key} key
 * @param {Epoch} epoch
 * @returns {Promise<Key>}
 */
export async function deriveKey({ secret, iv }, epoch) {
  if (epoch.salt.length === 0) return { secret, iv };
  const file = await crypto.subtle.importKey("raw", new Uint8Array([...secret, ...iv]), "HKDF", false, ["deriveBits"]);
  const algorithm = { name: "HKDF", hash: "SHA-256", salt: epoch.salt, info: INFO };
  const derived = new Uint8Array(await crypto.subtle.deriveBits(algorithm, file, BITS));
  return { secret: derived.slice(0, 32), iv: derived.slice(32) };
}
