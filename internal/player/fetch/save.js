// The decrypted show as an .opus file: the plaintext of its blocks, one after the other.

import { parseHash } from "../format/link.js";
import { BlockError } from "../format/refusal.js";
import { Sha256 } from "../format/sha256.js";
import { Stream } from "./stream.js";

/** @import { Link } from "../format/link.js" */
/** @import { Block, Pages } from "../format/reader.js" */

/** @typedef {(bytes: Pages) => Promise<void>} Write */

const MOST_UNPROVEN = 3 << 20; // bytes that wait for a checkpoint: far more than five seconds

/** How far a show was saved. */
export const Saved = Object.freeze({
  WHOLE: "whole", // up to its authenticated end
  SO_FAR: "so far", // the show goes on
  CLAIMED: "claimed", // up to an end that is not the station's for certain: nobody has signed it
  ANOTHER: "another", // all of it, but it is not the recording whose hash the link has
});

/**
 * Writes the show from its beginning. A show that runs is saved up to where it is
 * now: players accept such a file. Of a signed show only what is proven is written.
 * When damage or the signal rejects, all before it was written.
 * @param {string} url
 * @param {Link} link
 * @param {Write} write
 * @param {(fraction: number) => void} progress
 * @param {AbortSignal} signal ends it early
 */
export async function saveShow(url, link, write, progress, signal) {
  const stream = new Stream(url);
  const stop = () => stream.interrupt();
  signal.addEventListener("abort", stop);
  try {
    await stream.open(link);
    const edge = stream.fromStart();
    const hash = new Sha256();
    /** @type {Pick<Block, "raw" | "pages">[]} what the next checkpoint has to prove */
    let unproven = [stream.headBlock];
    let size = 0; // of those
    const flush = async () => {
      for (const { raw, pages } of unproven) {
        hash.update(raw);
        await write(pages);
      }
      unproven = [];
      size = 0;
    };
    for (let block; (stream.finished || stream.offset < edge) && (block = await stream.read()); ) {
      signal.throwIfAborted();
      unproven.push(block);
      if ((size += block.size) > MOST_UNPROVEN) throw new BlockError("Checkpoint", block);
      if (!stream.signed || block.claim) await flush();
      progress(stream.offset / edge);
    }
    if (!stream.signed) await flush();
    if (!stream.ended) return Saved.SO_FAR;
    if (link.sha256 !== null) return same(hash.digest(), parseHash(link.sha256)) ? Saved.WHOLE : Saved.ANOTHER;
    return stream.signed ? Saved.WHOLE : Saved.CLAIMED;
  } finally {
    signal.removeEventListener("abort", stop);
    stream.interrupt();
  }
}

/**
 * @param {Uint8Array} a
 * @param {Uint8Array} b
 */
const same = (a, b) => a.every((byte, i) => byte === b[i]);
