// The way of a block to the ear: Stream -> ReadAhead -> PacketQueue -> Decoder
// -> Output. Packets are kept for a minute ahead, sound for a second, so hours of
// a show need no more memory than its first minute.

import { RATE } from "../format/opus.js";
import { isSign } from "../format/page-reader.js";
import { CaptureClock } from "./capture-clock.js";
import { openDecoder } from "./decoder.js";
import { LatencyController } from "./latency-controller.js";
import { Output } from "./output.js";
import { PacketQueue } from "./packet-queue.js";
import { ReadAhead } from "./read-ahead.js";

/** @import { Stream } from "../fetch/stream.js" */
/** @import { Block } from "../format/reader.js" */
/** @import { Decoder } from "./decoder.js" */
/** @import { LiveEdge } from "./live-edge.js" */
/** @import { Report } from "./output.js" */
/** @import { Wave } from "./wave.js" */

const SOUND_AHEAD = RATE; // decoded, at speed 1
const FAR_BEHIND = 15 * RATE; // samples: a listener further behind than this no longer follows the live edge

/** How far the packets have got, between two seeks. */
const Input = Object.freeze({
  READING: "reading", // more may come
  ENDED: "ended", // the queue has the last of them
  DRAINED: "drained", // and the decoder was given all
});

/**
 * Plays a Stream. All places are samples of the file, pre-skip included.
 * `onchange` is called when anything but the place may have changed. It has many
 * fields because here all meet that bring a block to the ear.
 */
export class Playback {
  received = 0; // sample behind what was read
  silent = false; // the speaker pauses: the last block was a sign of life
  following = false; // plays what is being said
  doubted = false; // what was heard behind what was received may not be the station's
  /** @type {unknown} what ended the reading, or null */
  failure = null;
  #stream;
  #blocks;
  #edge;
  #wave;
  #onchange;
  #output;
  #decoder;
  #latency = new LatencyController();
  #clock = new CaptureClock();
  #speed = 1;
  #input = /** @type {string} */ (Input.READING);
  #queue = new PacketQueue();
  #from = 0; // the first sample to be heard
  #until = Infinity; // and the last, less one: end trim
  #sounded = false; // at the last report

  /**
   * Opens decoder and loudspeaker.
   * @param {AudioContext} sound
   * @param {{stream: Stream, edge: LiveEdge, wave: Wave, onchange: () => void}} show
   */
  static async open(sound, show) {
    const { channels } = show.stream.head;
    const output = await Output.open(sound, channels);
    try {
      return new Playback(output, await openDecoder(channels), show);
    } catch (error) {
      output.close();
      throw error;
    }
  }

  /**
   * @param {Output} output
   * @param {Decoder} decoder
   * @param {{stream: Stream, edge: LiveEdge, wave: Wave, onchange: () => void}} show
   */
  constructor(output, decoder, { stream, edge, wave, onchange }) {
    this.#stream = stream;
    this.#blocks = new ReadAhead(stream, {
      ahead: () => this.received - this.heard,
      waiting: () => this.#queue.bytes,
      onblock: (block) => this.#enqueue(block),
      onend: (failure) => this.#onEnd(failure),
    });
    this.#edge = edge;
    this.#wave = wave;
    this.#onchange = onchange;
    this.#output = output;
    this.#decoder = decoder;
    output.onreport = (report) => this.#onReport(report);
    decoder.onsound = (planes, start) => this.#onSound(planes, start);
    this.#setPace();
  }

  /** Ends everything. */
  close() {
    this.#blocks.close();
    this.#queue.reset(0);
    this.#decoder.close();
    this.#output.close();
  }

  /** @param {boolean} playing */
  set playing(playing) {
    if (!playing) this.following = false;
    this.#output.playing = playing;
  }

  /** @param {number} gain */
  set gain(gain) {
    this.#output.gain = gain;
  }

  /** @param {number} speed */
  set speed(speed) {
    this.#speed = speed;
    if (speed < 1) this.following = false;
    this.#setPace();
  }

  get heard() {
    return Math.min(this.#output.heard, this.received);
  }

  get sounding() {
    return this.#output.report.sounding;
  }

  /** When what is heard was captured, ms since 1970 by the station's clock; null: that is not known. */
  get captured() {
    return this.#clock.timeAt(this.heard);
  }

  /** Everything has been heard. */
  get finished() {
    return this.#output.report.finished;
  }

  /**
   * Goes to a sample; where a running show is not there yet, to its edge.
   * @param {number} sample
   */
  seekTo(sample) {
    return this.#restart(sample, async () => {
      const block = await this.#stream.seekTo(sample);
      if (block) return this.#enqueue(block);
      await this.#joinLive();
    });
  }

  /** Goes to the edge of a running show. */
  goLive() {
    return this.#restart(this.#edge.known, () => this.#joinLive());
  }

  async #joinLive() {
    const { blocks, start } = await this.#stream.goLive(this.#latency.target * RATE);
    this.#resetTo(start);
    this.following = true;
    for (const block of blocks) this.#enqueue(block);
  }

  /**
   * Drops all there is, moves, and plays on from there.
   * @param {number} sample
   * @param {() => Promise<void>} move
   */
  #restart(sample, move) {
    this.#resetTo(sample);
    return this.#blocks.restart(move);
  }

  /** @param {number} sample */
  #resetTo(sample) {
    this.#queue.reset(sample);
    this.#clock.reset();
    this.#from = this.received = sample;
    this.#until = Infinity;
    this.#input = Input.READING;
    this.#sounded = this.following = this.silent = this.doubted = false;
    this.#latency.restart();
    this.failure = null;
    this.#decoder.reset();
    this.#output.seek(sample);
    this.#setPace();
  }

  /** @param {unknown} failure */
  #onEnd(failure) {
    this.failure = failure;
    this.#input = Input.ENDED;
    if (failure !== null) this.#dropUnproven();
    this.#decodeAhead();
    this.#onchange();
  }

  /** Whatever ends a show, nothing will prove any more what came behind the last checkpoint. */
  #dropUnproven() {
    const { heard } = this;
    this.received = Math.min(this.received, Math.max(this.#stream.proven, this.#from));
    this.doubted = heard > this.received;
    this.#until = this.received;
    this.#queue.cut(this.#until);
    if (this.#queue.removed <= this.#until) return;
    this.#decoder.reset(); // more is decoded already
    this.#output.seek(Math.min(heard, this.#until));
  }

  /** @param {Block} block */
  #enqueue(block) {
    const { atEdge, checkpoint } = this.#stream;
    const silent = this.#edge.noteBlock(block, atEdge, performance.now());
    if (atEdge) this.#edge.noteProof(checkpoint);
    this.#clock.note(block.clock);
    if (isSign(block)) this.#clock.pause(block.end);
    this.#queue.push(block);
    if (block.last) this.#until = block.end;
    this.received = block.end;
    this.#decodeAhead();
    if (silent !== this.silent) {
      this.silent = silent;
      this.#onchange();
    }
  }

  /** Decodes as much as is wanted ahead; of a finished show, whose proof is there, only what is proven. */
  #decodeAhead() {
    const waits = this.#stream.finished && this.#input === Input.READING;
    const enough = this.heard + SOUND_AHEAD * Math.max(1, this.#speed);
    this.#queue.removeUntil(Math.min(enough, waits ? this.#stream.proven : Infinity), (packet, start) =>
      this.#decoder.decode(packet, start),
    );
    if (this.#input === Input.ENDED && this.#queue.empty) this.#drain(this.#output.epoch);
  }

  /** @param {number} epoch of the sound */
  async #drain(epoch) {
    this.#input = Input.DRAINED;
    await this.#decoder.flush();
    if (epoch === this.#output.epoch) this.#output.complete();
  }

  /**
   * Plays decoded sound, without what is before the wanted place or behind the end.
   * @param {Float32Array[]} planes
   * @param {number} start
   */
  #onSound(planes, start) {
    const skip = Math.max(0, this.#from - start);
    const end = Math.min(planes[0].length, this.#until - start);
    if (skip >= end) return;
    const wanted = planes.map((plane) => plane.slice(skip, end));
    this.#wave.add(wanted, start + skip);
    this.#output.write(wanted, start + skip);
  }

  /**
   * The heartbeat of playing: the loudspeaker says how far it is.
   * @param {Report} report
   */
  #onReport(report) {
    if (!this.#output.isCurrent(report)) return;
    this.#decodeAhead();
    this.#blocks.refill();
    if (this.#output.playing) this.#holdLatency(report);
    this.#onchange();
  }

  /**
   * Keeps the distance to the edge of the show.
   * @param {Report} report
   */
  #holdLatency({ starved, sounding, least }) {
    const now = performance.now();
    if (starved && this.#sounded && this.#input === Input.READING) this.#onGap(now);
    this.#sounded = sounding;
    if (!this.following) return;
    if (!this.#latency.measure((least + this.received - this.#queue.removed) / RATE, now)) return;
    if (this.received - this.heard > FAR_BEHIND) this.following = false;
    this.#setPace();
  }

  /**
   * The sound ran out. Whoever has caught up with a running show follows it from there.
   * @param {number} now ms
   */
  #onGap(now) {
    if (this.#stream.atEdge && !this.#stream.broken) this.following = true;
    this.#latency.ranOut(now);
    this.#setPace();
  }

  /** At the edge there is one speed only: that of the speaker. */
  #setPace() {
    this.#output.setPace(this.following ? this.#latency.rate : this.#speed, this.#latency.target);
  }
}
