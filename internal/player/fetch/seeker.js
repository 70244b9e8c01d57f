import { CHECKPOINT_INTERVAL, growthOf } from "../format/checkpoint.js";
import { BlockError } from "../format/refusal.js";
import { SeekTable } from "../format/seektable.js";

/** @import { Block } from "../format/reader.js" */
/** @import { Place } from "../format/seektable.js" */

const MAX_GUESSES = 6; // before the file is read from its beginning
const READ_FORWARD = 256 << 10; // bytes that are read on rather than guessing again
const GUESSED_EARLY = 4 << 10; // bytes by which a guess is early that is interpolated

/**
 * Finds the block that holds a moment, in a file of which any part can be asked
 * for. A guess leads to a place in the file, the first block there that opens
 * says what time it is there, and a wrong guess teaches the next one. With
 * blocks of one size the first guess is right: FORMAT.md, "Seeking".
 * opusblocks/blocks/seeker.go is the same in Go.
 */
export class Seeker {
  table = new SeekTable(); // makes the first guess right for blocks of any size
  size = 0; // of the file in bytes, where it is finished: guesses stay before it

  #readAt;
  #read;
  #blockSize = 0; // of the blocks seen so far, in bytes, without checkpoints
  #blockSamples = 0; // and how long they are
  #extra = 0; // by which those with a checkpoint are longer
  #varies = false; // they are not all alike
  #known = { offset: 0, sample: 0 }; // the latest block seen: what it says of the bytes per sample

  /**
   * @param {number} first the byte where the first block begins
   * @param {(offset: number) => Promise<Block>} readAt jumps to an offset and resolves to the first block that opens
   *   there; rejects with the code CutOff when the bytes end before
   * @param {() => Promise<Block>} read resolves to the next block
   */
  constructor(first, readAt, read) {
    this.first = first;
    this.#readAt = readAt;
    this.#read = read;
  }

  /**
   * Makes guesses better by a block that was read.
   * @param {Pick<Block, "packets" | "last" | "start" | "end" | "size" | "offset" | "claim">} block
   */
  learn(block) {
    if (block.packets.length === 0 || block.last) return; // not a block like the others
    const extra = growthOf(block);
    this.#extra = Math.max(this.#extra, extra);
    this.#learnSize(block.size - extra, block.end - block.start);
    if (block.start > this.#known.sample) this.#known = { offset: block.offset, sample: block.start };
  }

  /**
   * @param {number} size bytes
   * @param {number} samples
   */
  #learnSize(size, samples) {
    if (this.#blockSize === 0) [this.#blockSize, this.#blockSamples] = [size, samples];
    if (size === this.#blockSize && samples === this.#blockSamples) return;
    this.#varies = true;
    this.#blockSize = Math.max(this.#blockSize, size);
  }

  /**
   * Moves to the block that holds the sample (at 48 kHz, pre-skip included) and
   * resolves to it; read goes on behind it. Beyond the end it is the last
   * block; beyond the edge of a file that grows, read waits.
   * @param {number} sample
   */
  async seekTo(sample) {
    sample = Math.max(sample, 0);
    let low = { offset: this.first, sample: 0 };
    let guess = this.#guess(sample);
    for (let guesses = 0; guesses < MAX_GUESSES; guesses++) {
      const block = await this.#tryReadAt(guess, guess > low.offset);
      if (!block) {
        // too far, or a wrong table
        guess = Math.max(low.offset, Math.floor((low.offset + guess) / 2) - GUESSED_EARLY);
        continue;
      }
      if (block.packets.length === 0) {
        // the end, which does not say its time
        guess = Math.max(low.offset, guess - GUESSED_EARLY - this.#blockSize);
        continue;
      }
      const found = { offset: block.offset, sample: block.start };
      const ahead = this.bytes(sample - found.sample);
      const further = this.#within(found.offset + ahead - GUESSED_EARLY);
      if (found.sample > sample && guess > low.offset) {
        guess = between(low, found, sample);
      } else if (ahead > READ_FORWARD && further > found.offset) {
        [low, guess] = [found, further];
      } else {
        return this.#forward(block, sample);
      }
    }
    const block = await this.#readAt(this.first);
    this.learn(block);
    return this.#forward(block, sample);
  }

  /**
   * Null means, where an earlier guess is possible, that the bytes end before
   * a block that opens.
   * @param {number} offset
   * @param {boolean} canBeEarlier
   */
  async #tryReadAt(offset, canBeEarlier) {
    try {
      const block = await this.#readAt(offset);
      this.learn(block);
      return block;
    } catch (error) {
      if (canBeEarlier && error instanceof BlockError && error.code === "CutOff") return null;
      throw error;
    }
  }

  /**
   * Reads on until the block that holds sample.
   * @param {Block} block
   * @param {number} sample
   */
  async #forward(block, sample) {
    while (block.end <= sample && !block.last) block = await this.#read();
    this.learn(block);
    return block;
  }

  /**
   * Where the block that holds sample may begin: at most there, where all blocks
   * are alike, because a block later would be one too late.
   * @param {number} sample
   */
  #guess(sample) {
    const offset = this.table.lookup(sample);
    if (offset !== null) return Math.max(offset, this.first);
    return this.#within(this.first + this.bytes(sample) - this.#blockSize);
  }

  /**
   * Keeps a guess inside the file, with a whole block behind it.
   * @param {number} offset
   */
  #within(offset) {
    if (this.size > 0) offset = Math.min(offset, this.size - 2 * this.#blockSize);
    return Math.max(offset, this.first);
  }

  /**
   * Estimates how many bytes so much sound takes: 0 while no block has been
   * seen. Signs of life make it too few, never too many, where all blocks are
   * alike.
   * @param {number} samples
   */
  bytes(samples) {
    const rate = this.rate();
    return rate.samples === 0 ? 0 : Math.trunc((samples * rate.bytes) / rate.samples);
  }

  /** How many bytes hold how many samples, as far as is known: 0 and 0 while no block has been seen. */
  rate() {
    if (this.#varies) return { bytes: Math.max(0, this.#known.offset - this.first), samples: this.#known.sample };
    const [bytes, samples] = [this.#blockSize, this.#blockSamples];
    if (this.#extra === 0) return { bytes, samples };
    const blocks = Math.ceil(CHECKPOINT_INTERVAL / samples); // of which one has a checkpoint
    return { bytes: blocks * bytes + this.#extra, samples: blocks * samples };
  }
}

/**
 * Interpolates between two authenticated places, a little early.
 * @param {Place} low
 * @param {Place} high
 * @param {number} sample
 */
function between(low, high, sample) {
  const share = (sample - low.sample) / (high.sample - low.sample);
  const guess = low.offset + Math.trunc(share * (high.offset - low.offset)) - GUESSED_EARLY;
  return Math.max(guess, low.offset);
}
