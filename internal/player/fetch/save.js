// The decrypted show as an .opus file: the plaintext of its blocks, one after the other.

import { Stream } from "./stream.js";

/**
 * Streams the show from its beginning to a sink with write(bytes) and close().
 * A show that runs is saved up to where it is now: players take such a file.
 * `progress` gets a fraction; `signal` ends it early. When that or damage
 * rejects, all before it was written, and the sink is open.
 */
export async function saveShow(url, link, sink, progress = () => {}, signal) {
  const stream = new Stream(url);
  const stop = () => stream.interrupt();
  signal?.addEventListener("abort", stop);
  try {
    await stream.open(link);
    const edge = stream.fromStart();
    await sink.write(stream.headPages);
    while (stream.offset < edge) {
      signal?.throwIfAborted();
      const block = await stream.read();
      if (!block) break;
      await sink.write(block.pages);
      progress(stream.offset / edge);
    }
    await sink.close();
  } finally {
    signal?.removeEventListener("abort", stop);
    stream.interrupt();
  }
}
