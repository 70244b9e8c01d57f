// A show as one listener fetches it: block after authenticated block.

import { CHECKPOINT_INTERVAL, MAX_UNPROVEN } from "../format/checkpoint.js";
import { readerFor } from "../format/open.js";
import { isSign } from "../format/page-reader.js";
import { PlainReader } from "../format/plain.js";
import { BlockError } from "../format/refusal.js";
import { parseSeekTable } from "../format/seektable.js";
import { Line } from "./line.js";
import { Seeker } from "./seeker.js";

/** @import { Link } from "../format/link.js" */
/** @import { Block, Reader } from "../format/reader.js" */

const FIRST = 10 << 10; // bytes of the first request: the head and some blocks
const PRE_ROLL = 14400; // samples that a decoder needs to find its state: 300 ms
const MOST = 2 << 20; // bytes that are read before the edge, whatever the gateway says it is
const PROOF = CHECKPOINT_INTERVAL + MAX_UNPROVEN; // samples before what is played: a checkpoint is among them

/**
 * The blocks of a show. A broken line costs time, but neither loses nor repeats a
 * block: reading goes on behind the last byte that came.
 */
export class Stream {
  encrypted = false;
  signed = false; // the link says by whom
  #line;
  /** @type {Reader} */
  #reader = new PlainReader();
  #seeker = this.#newSeeker();
  /** @type {Block | null} the last block that was read */
  last = null;

  /** @param {string} url */
  constructor(url) {
    this.#line = new Line(url);
  }

  /**
   * Fetches the head of the show, which proves the key. A line that is broken
   * is tried until it works.
   * @param {Pick<Link, "key" | "signer" | "sha256" | "seek">} link
   */
  async open(link) {
    await this.#line.persist(() => this.#begin(link));
    if (link.seek) this.#seeker.table = parseSeekTable(link.seek);
    await this.#line.persist(() => this.updateEdge());
  }

  /** Ends what is going on: it rejects. The next call begins something new. */
  interrupt() {
    this.#line.interrupt();
  }

  #newSeeker() {
    return new Seeker(
      this.#reader.first,
      (offset) => this.#readAt(offset),
      () => this.#next(),
    );
  }

  /** @param {Pick<Link, "key" | "signer" | "sha256">} link */
  async #begin(link) {
    const start = await this.#line.fetch(0, FIRST - 1);
    if (!start) throw new Error("the show has no bytes yet");
    ({ encrypted: this.encrypted, reader: this.#reader } = readerFor(link, start));
    this.signed = link.signer !== null;
    this.#reader.feed(start);
    let first = await this.#reader.next(true); // it has the checkpoint that proves the head
    while (first && isSign(first)) first = await this.#reader.next(true);
    if (!this.#reader.head) throw new Error("the show has no head yet");
    this.#seeker = this.#newSeeker();
    if (first) this.#seeker.learn(first);
  }

  /** What block 0 says. */
  get head() {
    const { head } = this.#reader;
    if (!head) throw new Error("the stream is not open");
    return head;
  }

  /** Block 0, as it stands in the file and in clear: how the .opus file begins. */
  get headBlock() {
    const { headRaw, headPages } = this.#reader;
    if (!headRaw || !headPages) throw new Error("the stream is not open");
    return { raw: headRaw, pages: headPages };
  }

  /** Whether the speaker's side has said what block 0 says. */
  get headProven() {
    return this.#reader.headProven;
  }

  /** The last checkpoint that was proven since the last jump, or null. */
  get checkpoint() {
    return this.#reader.checkpoint;
  }

  /** The sample up to which all that was read since the last jump is proven, or does not have to be. */
  get proven() {
    return this.signed ? (this.checkpoint?.sample ?? 0) : Infinity;
  }

  /** The authenticated end was read. */
  get ended() {
    return this.#reader.ended;
  }

  /** Behind what has been read, in bytes of the file. */
  get offset() {
    return this.#reader.offset;
  }

  /** Behind what has been read, in samples. */
  get sample() {
    return this.last?.end ?? 0;
  }

  get finished() {
    return this.#line.size > 0;
  }

  /** Whether blocks come as they are made, so that their arrival shows where the live edge is. */
  get atEdge() {
    return this.#line.atEdge;
  }

  /** The line is, and is being tried again. */
  get broken() {
    return this.#line.broken;
  }

  /** When the last bytes came, in ms. */
  get arrived() {
    return this.#line.arrived;
  }

  /** The next block, or null behind the end of the show. */
  async read() {
    return this.#reader.ended ? null : this.#next();
  }

  /** @returns {Promise<Block>} */
  async #next() {
    const line = this.#line;
    const { signal } = line;
    for (;;) {
      const complete = line.size > 0 && line.fed >= line.size;
      const block = await this.#reader.next(complete);
      signal.throwIfAborted(); // what was read is not wanted any more: the next operation jumps
      if (block) return this.#note(block);
      if (this.#reader.ended && this.last) return this.last;
      if (complete) throw new BlockError("CutOff", { offset: this.#reader.offset });
      await line.persist(() => this.#feed());
    }
  }

  /** @param {Block} block that was read */
  #note(block) {
    this.#seeker.learn(block);
    if (block.last) this.#line.size = this.#reader.offset; // whatever the server says
    return (this.last = block);
  }

  /** Gives the reader some more bytes. */
  async #feed() {
    const bytes = await this.#line.read();
    if (bytes) this.#reader.feed(bytes);
    this.#seeker.size = this.#line.size;
  }

  /** Lets the line go until the next read. */
  release() {
    this.#line.release();
  }

  /**
   * Returns the first block there that tells its time: a sign of life does not.
   * @param {number} offset
   */
  async #readAt(offset) {
    this.#jump(offset);
    let block = await this.#next();
    while (isSign(block)) block = await this.#next();
    return block;
  }

  /** @param {number} offset */
  #jump(offset) {
    this.#line.jump(offset);
    this.#reader.jump(offset);
  }

  /** Samples to read before those that are played. */
  get #lead() {
    return PRE_ROLL + (this.signed ? PROOF : 0);
  }

  /**
   * Goes to a sample of the file, and returns the block to start from: a pre-roll before it.
   * On a running show it returns null where there is nothing yet.
   * @param {number} sample
   */
  async seekTo(sample) {
    const from = Math.max(0, sample - PRE_ROLL);
    if (!this.finished) {
      await this.#line.persist(() => this.updateEdge());
      if (!this.finished && this.#seeker.first + this.#seeker.bytes(from) >= this.#line.edge) return null;
    }
    const block = await this.#readOn(await this.#seeker.seekTo(sample - this.#lead), from);
    if (block.start <= from || block.last) return block;
    // What the server sent at the places that were asked for came too late, or without a checkpoint.
    return this.#readOn(await this.#readAt(this.#seeker.first), from);
  }

  /** Of a signed show a checkpoint was proven since the last jump: what is read from then on is covered. */
  get #covered() {
    return !this.signed || this.checkpoint !== null;
  }

  /**
   * Reads on to the block that holds a sample, and at least until what is read is covered.
   * @param {Block} block
   * @param {number} sample
   */
  async #readOn(block, sample) {
    while (!block.last && (block.end <= sample || !this.#covered)) block = await this.#next();
    return block;
  }

  /**
   * Goes near the edge of a running show, and asks again for one that was false. Returns
   * the blocks that there are, and where to begin in them.
   * @param {number} samples before the edge
   * @returns {Promise<{blocks: Block[], start: number}>}
   */
  async goLive(samples) {
    await this.#line.persist(() => this.updateEdge());
    try {
      return await this.#readEdge(samples);
    } catch (error) {
      if (this.finished || !(error instanceof BlockError) || error.code !== "CutOff") throw error;
      return this.goLive(samples);
    }
  }

  /** @param {number} samples */
  async #readEdge(samples) {
    const { edge } = this.#line;
    let block = await this.#readAt(this.#before(edge, samples + this.#lead));
    block = await this.#readOn(block, 0);
    const blocks = [block]; // those before are not proven: the server may have put them there
    while (this.offset < edge && !this.ended) blocks.push(await this.#next());
    const start = Math.max(this.head.preSkip, blocks[0].start, this.sample - samples);
    return { blocks: blocks.filter(({ end }) => end > start - PRE_ROLL), start };
  }

  /** Reads the blocks that there are near the edge, and asks for no others. */
  async readTail() {
    await this.#line.persist(async () => {
      const { edge } = this.#line;
      const offset = this.#before(edge, this.#lead);
      const bytes = offset < edge ? await this.#line.fetch(offset, edge - 1) : null;
      this.#jump(offset);
      if (bytes) this.#reader.feed(bytes);
    });
    for (let block; (block = await this.#reader.next(true)); ) this.#note(block);
  }

  /**
   * @param {number} offset before which so many samples may begin
   * @param {number} samples
   */
  #before(offset, samples) {
    const { first } = this.#seeker;
    return Math.max(first, offset - Math.min(this.#seeker.bytes(samples) || offset, MOST));
  }

  /** Goes to the first block, and returns how many bytes there were when the stream was opened. */
  fromStart() {
    this.#jump(this.#seeker.first);
    return this.#line.edge;
  }

  /** Asks how far the show has got. */
  async updateEdge() {
    await this.#line.updateEdge();
    this.#seeker.size = this.#line.size;
  }

  /** How far the show has got, in samples, as far as can be said. */
  get edgeSample() {
    const { bytes, samples } = this.#seeker.rate();
    const offset = this.last ? this.last.offset + this.last.size : this.#seeker.first;
    return bytes === 0 ? this.sample : Math.max(0, this.sample + ((this.#line.edge - offset) * samples) / bytes);
  }
}
