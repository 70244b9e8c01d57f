// A show as one listener fetches it: block after proved block, over as many
// requests as it takes.

import { BlockError, BlockReader, parseFragment } from "../format/blocks.js";
import { PlainReader } from "../format/plain.js";
import { Part, Refused, edge } from "./request.js";
import { Seeker, parseSeekTable } from "./seeker.js";

const FIRST = 10 << 10; // bytes of the first request: the head and some blocks
const PIECE = 256 << 10; // bytes of one request for what exists: a minute of speech
const PRE_ROLL = 14400; // samples that a decoder needs to find its state: 300 ms
const FIRST_RETRY = 250; // ms
const LAST_RETRY = 2_000;

/**
 * Stream yields the blocks of a show. A broken line costs time, but neither
 * loses nor repeats a block: reading goes on behind the last byte that came.
 * What the reader refuses stays refused.
 *
 * What exists is fetched in pieces, so that a listener who pauses leaves no
 * connection hanging; at the edge of a running show one request follows it.
 */
export class Stream {
  size = 0; // bytes of the file, once it is finished
  broken = false; // the line is; it is being tried again
  arrived = 0; // ms, when the last bytes came
  encrypted = false;
  #url;
  #operation = new AbortController(); // what is going on, until it is interrupted
  #reader;
  #seeker;
  #part = null;
  #fed = 0; // offset in the file behind what the reader was given
  #edge = 0; // the most bytes the file is known to have
  #following = false; // the part is one that follows the edge
  #last = null; // the last block that was read

  constructor(url) {
    this.#url = url;
  }

  /**
   * Fetches the head of the show, which proves the key. A line that is broken
   * is tried until it works.
   */
  async open({ key, seek }) {
    await this.#persist(() => this.#begin(key));
    if (seek) this.#seeker.table = parseSeekTable(seek);
    await this.#persist(() => this.updateEdge());
  }

  /** Ends what is going on: it rejects. The next call begins something new. */
  interrupt() {
    this.#operation.abort();
    this.#operation = new AbortController();
    this.release();
  }

  get #signal() {
    return this.#operation.signal;
  }

  async #begin(key) {
    const start = await this.#fetchFirst();
    // A link with a key is one to an encrypted show, whatever the server sends.
    this.encrypted = key !== "" || !startsWith(start, "OggS");
    this.#reader = this.encrypted ? new BlockReader(parseFragment(key)) : new PlainReader();
    this.#reader.feed(start);
    const first = await this.#reader.next(true);
    if (!this.#reader.head) throw new Error("the show has no head yet");
    this.#seeker = new Seeker(
      this.#reader.first,
      (offset) => this.#land(offset),
      () => this.#next(),
    );
    if (first) this.#seeker.learn(first);
    this.#seeker.size = this.size;
  }

  async #fetchFirst() {
    const part = await Part.open(this.#url, 0, FIRST - 1, this.#signal);
    if (!part) throw new Error("the show has no bytes yet");
    this.size = part.size;
    const chunks = [];
    for (let chunk; (chunk = await part.read()); ) chunks.push(chunk);
    this.arrived = performance.now();
    return new Uint8Array(await new Blob(chunks).arrayBuffer());
  }

  /** What block 0 says: {channels, preSkip, title, speaker, started}. */
  get head() {
    return this.#reader.head;
  }

  /** The plaintext of block 0: how the .opus file begins. */
  get headPages() {
    return this.#reader.headPages;
  }

  /** Behind what has been read, in bytes of the file. */
  get offset() {
    return this.#reader.offset;
  }

  /** Behind what has been read, in samples. */
  get sample() {
    return this.#last?.end ?? 0;
  }

  get finished() {
    return this.size > 0;
  }

  /** Whether blocks come as they are made, so that their arrival tells the time. */
  get atEdge() {
    return this.#following && this.#fed >= this.#edge;
  }

  /** The next block, or null behind the end of the show. */
  async read() {
    return this.#reader.ended ? null : this.#next();
  }

  async #next() {
    const signal = this.#signal;
    for (;;) {
      const whole = this.size > 0 && this.#fed >= this.size;
      const block = await this.#reader.next(whole);
      signal.throwIfAborted(); // what was read is not wanted any more: the next operation jumps
      if (block) {
        this.#seeker.learn(block);
        if (block.last) this.size = this.#seeker.size = this.#reader.offset; // whatever the server says
        return (this.#last = block);
      }
      if (this.#reader.ended) return this.#last;
      if (whole) throw new BlockError("CutOff", { offset: this.#reader.offset });
      await this.#persist(() => this.#fetch());
    }
  }

  /** Gives the reader some more bytes. */
  async #fetch() {
    this.#part ??= await this.#request();
    const bytes = await this.#part?.read();
    if (!bytes) return this.release();
    this.#reader.feed(bytes);
    this.#fed += bytes.length;
    this.#edge = Math.max(this.#edge, this.#fed);
    this.arrived = performance.now();
  }

  async #request() {
    this.#following = !this.finished && this.#fed + PIECE > this.#edge;
    const part = await Part.open(this.#url, this.#fed, this.#following ? undefined : this.#fed + PIECE - 1, this.#signal);
    const size = part ? part.size : (await edge(this.#url, this.#signal)).size;
    if (size > 0) this.size = this.#seeker.size = size;
    return part;
  }

  /** Lets the line go until the next read. */
  release() {
    this.#part?.close();
    this.#part = null;
    this.#following = false;
  }

  /** Repeats a step until it succeeds or trying again can not help. */
  async #persist(step) {
    const signal = this.#signal;
    for (let delay = FIRST_RETRY; ; delay = Math.min(2 * delay, LAST_RETRY)) {
      try {
        const result = await step();
        this.broken = false;
        return result;
      } catch (error) {
        signal.throwIfAborted();
        this.release();
        if (error instanceof BlockError || error instanceof Refused) throw error;
        this.broken = true;
        await pause(delay, signal);
        signal.throwIfAborted();
      }
    }
  }

  async #land(offset) {
    this.#jump(offset);
    return this.#next();
  }

  #jump(offset) {
    this.release();
    this.#reader.jump(offset);
    this.#fed = offset;
  }

  /**
   * Goes to a sample of the file, and returns the block to start from: a
   * pre-roll before it. On a running show it returns null where there is
   * nothing yet.
   */
  async seekTo(sample) {
    const from = Math.max(0, sample - PRE_ROLL);
    if (!this.finished) {
      await this.#persist(() => this.updateEdge());
      if (!this.finished && this.#seeker.first + this.#seeker.bytes(from) >= this.#edge) return null;
    }
    return this.#seeker.seekTo(from);
  }

  /** Goes to `samples` before the edge of a running show. Returns the first block, and where to begin in it. */
  async goLive(samples) {
    await this.#persist(() => this.updateEdge());
    const back = this.#seeker.bytes(samples + PRE_ROLL);
    const offset = Math.max(this.#seeker.first, this.#edge - back);
    const block = await this.#land(offset);
    return { block, start: offset === this.#seeker.first ? this.head.preSkip : block.start + PRE_ROLL };
  }

  /** Goes to the first block, and returns how many bytes there were when the stream was opened. */
  fromStart() {
    this.#jump(this.#seeker.first);
    return this.#edge;
  }

  /** Asks how far the show has got. */
  async updateEdge() {
    const { size, finished } = await edge(this.#url, this.#signal);
    this.#edge = Math.max(this.#edge, size);
    if (finished) this.size = this.#seeker.size = size;
  }

  /** How far the show has got, in samples, as far as can be told. */
  get edgeSample() {
    const { bytes, samples } = this.#seeker.rate();
    const [offset, sample] = this.#last ? [this.#last.offset + this.#last.size, this.#last.end] : [this.#seeker.first, 0];
    return bytes === 0 ? sample : Math.max(0, sample + ((this.#edge - offset) * samples) / bytes);
  }
}

function startsWith(bytes, text) {
  return text === String.fromCharCode(...bytes.subarray(0, text.length));
}

/** Waits, but not when the browser is told that the network is back. */
function pause(delay, signal) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      globalThis.removeEventListener?.("online", done);
      resolve();
    };
    const timer = setTimeout(done, delay);
    globalThis.addEventListener?.("online", done, { once: true });
    signal.addEventListener("abort", done, { once: true });
  });
}
