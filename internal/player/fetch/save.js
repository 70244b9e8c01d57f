// The decrypted show as an .opus file: the plaintext of its blocks, one after the other.

import { Stream } from "./stream.js";

/** @import { Link } from "../format/link.js" */

/** @typedef {(bytes: Uint8Array<ArrayBuffer>) => Promise<void>} Write */

/**
 * Writes the show from its beginning. A show that runs is saved up to where it is
 * now: players accept such a file. When damage or the signal rejects, all before
 * it was written.
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
    await write(stream.headPages);
    while (stream.offset < edge) {
      signal.throwIfAborted();
      const block = await stream.read();
      if (!block) break;
      await write(block.pages);
      progress(stream.offset / edge);
    }
  } finally {
    signal.removeEventListener("abort", stop);
    stream.interrupt();
  }
}
