import { decodeBase64url } from "./base64url.js";

const MOST = 2 ** 48; // bytes, or samples, from one entry to the next
const MOST_ENTRIES = 2049;

/** @typedef {{offset: number, sample: number}} Place a byte of a file, and a moment of the show */

/**
 * Where in a finished file the blocks of certain moments begin: FORMAT.md,
 * "Seeking". A wrong one costs requests, never wrong sound: what is found there
 * is authenticated.
 */
export class SeekTable {
  #entries;

  /** @param {Place[]} entries in order */
  constructor(entries = []) {
    this.#entries = entries;
  }

  /**
   * The offset of the last entry that is not after sample, or null.
   * @param {number} sample
   */
  lookup(sample) {
    let [low, high] = [0, this.#entries.length]; // entries before low are not after sample, those from high on are
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#entries[middle].sample > sample) high = middle;
      else low = middle + 1;
    }
    return low > 0 ? this.#entries[low - 1].offset : null;
  }
}

/**
 * Reads base64url of pairs of varints, each the difference to the pair before.
 * A damaged table is an empty one: it would only have saved requests.
 * @param {string} text
 */
export function parseSeekTable(text) {
  const raw = decodeBase64url(text) ?? [];
  /** @type {Place[]} */
  const entries = [];
  let at = 0;
  let [offset, sample] = [0, 0];
  while (at < raw.length && entries.length < MOST_ENTRIES) {
    const bytes = varint();
    const samples = varint();
    if (bytes === null || samples === null) return new SeekTable();
    offset += bytes;
    sample += samples;
    entries.push({ offset, sample });
  }
  return new SeekTable(at < raw.length ? [] : entries);

  /** Seven bits a byte, the lowest first; the last byte has the eighth bit clear. */
  function varint() {
    for (let value = 0, unit = 1; at < raw.length; unit *= 128) {
      const byte = raw[at++];
      value += (byte & 127) * unit;
      if (value > MOST || unit > MOST) return null;
      if (byte < 128) return value;
    }
    return null;
  }
}
