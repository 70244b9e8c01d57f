// The line to the gateway: the bytes of one file, over as many requests as it
// takes.

import { BlockError } from "../format/refusal.js";
import { edge, Part, Refused } from "./request.js";
import { retry } from "./retry.js";

const PIECE = 256 << 10; // bytes of one request for what exists: a minute of speech

/** What the line is used for. */
const Use = Object.freeze({
  FREE: "free", // nothing is requested
  PIECE: "piece", // a piece of what exists is
  EDGE: "edge", // all that is there and is to come: the request follows the show
});

/**
 * What exists is fetched in pieces, so that a listener who pauses leaves no
 * connection hanging; at the edge of a running show one request follows it.
 */
export class Line {
  size = 0; // bytes of the file, once it is finished
  edge = 0; // how many bytes the file has: those that came, or as many as the gateway last said
  fed = 0; // offset in the file behind what was read
  broken = false; // it is being tried again
  arrived = 0; // ms, when the last bytes came
  #seen = 0; // offset behind the farthest bytes that came
  #url;
  #operation = new AbortController(); // what is going on, until it is interrupted
  /** @type {Part | null} */
  #part = null;
  /** @type {string} */
  #use = Use.FREE;

  /** @param {string} url */
  constructor(url) {
    this.#url = url;
  }

  get signal() {
    return this.#operation.signal;
  }

  /** Ends what is going on: it rejects. The next call begins something new. */
  interrupt() {
    this.#operation.abort();
    this.#operation = new AbortController();
    this.release();
  }

  /** Whether bytes come as they are made. */
  get atEdge() {
    return this.#use === Use.EDGE && this.fed >= this.edge;
  }

  /**
   * All bytes from one offset to another that there are, or null where the file is
   * finished before the first.
   * @param {number} first
   * @param {number} last
   */
  async fetch(first, last) {
    try {
      return await this.#fetch(first, last);
    } catch (error) {
      if (last >= this.#seen && this.edge > 0) await this.updateEdge(); // what does not come may not be there
      throw error;
    }
  }

  /**
   * @param {number} first
   * @param {number} last
   */
  async #fetch(first, last) {
    const part = await Part.open(this.#url, first, last, this.signal);
    if (!part && this.size === 0) throw new Error("the gateway has no such bytes");
    if (!part) return null;
    if (part.size > 0) this.size = part.size;
    const chunks = [];
    for (let chunk; (chunk = await part.read()); ) chunks.push(/** @type {Uint8Array<ArrayBuffer>} */ (chunk));
    this.#note(first + part.arrived);
    return new Uint8Array(await new Blob(chunks).arrayBuffer());
  }

  /** @param {number} end of bytes that have come */
  #note(end) {
    this.#seen = Math.max(this.#seen, end);
    this.edge = Math.max(this.edge, end);
    this.arrived = performance.now();
  }

  /** Some more bytes, or null where a request has ended. */
  async read() {
    this.#part ??= await this.#request();
    const bytes = await this.#part?.read();
    if (!bytes) {
      this.release();
      return null;
    }
    this.fed += bytes.length;
    this.#note(this.fed);
    return bytes;
  }

  async #request() {
    if (this.fed > this.edge) throw new BlockError("CutOff", { offset: this.fed }); // it was told a false edge
    const follow = this.size === 0 && this.fed + PIECE > this.edge;
    this.#use = follow ? Use.EDGE : Use.PIECE;
    const part = await Part.open(this.#url, this.fed, follow ? undefined : this.fed + PIECE - 1, this.signal);
    if (part?.size) this.size = part.size;
    if (!part) await this.#checkEnd();
    return part;
  }

  /** The gateway says that there are no more bytes: that is the end of a file that is finished there. */
  async #checkEnd() {
    await this.updateEdge();
    if (this.size === 0 || this.size > this.fed) throw new Error("the gateway refuses what it has, or will have");
  }

  /** @param {number} offset where reading goes on */
  jump(offset) {
    this.release();
    this.fed = offset;
  }

  /** Lets go until the next read. */
  release() {
    this.#part?.close();
    this.#part = null;
    this.#use = Use.FREE;
  }

  /**
   * Asks how far the file has got. Who waits at a place that an earlier, false answer has named
   * does not wait any longer.
   */
  async updateEdge() {
    const { size, finished } = await edge(this.#url, this.signal);
    this.edge = Math.max(this.#seen, size);
    if (finished) this.size = size;
    if (this.fed > this.edge) this.release();
  }

  /**
   * Repeats a step until it succeeds or trying again cannot help.
   * @param {() => Promise<void>} step
   */
  async persist(step) {
    await retry(step, this.signal, (error) => {
      this.release();
      if (error instanceof BlockError || error instanceof Refused) throw error;
      this.broken = true;
    });
    this.broken = false;
  }
}
