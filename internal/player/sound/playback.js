// The way of a block to the ear: Stream -> queue of packets -> decoder -> Output.
// Packets are kept for a minute ahead, sound for a second, so hours of a show
// take no more memory than its first minute.

import { RATE } from "../format/opus.js";
import { openDecoder } from "./decoder.js";
import { LatencyController } from "./latency-controller.js";
import { Output } from "./output.js";
import { PacketQueue } from "./packet-queue.js";

/** @import { Stream } from "../fetch/stream.js" */
/** @import { Block } from "../format/reader.js" */
/** @import { Decoder } from "./decoder.js" */
/** @import { LiveEdge } from "./live-edge.js" */
/** @import { Report } from "./output.js" */
/** @import { Wave } from "./wave.js" */

const PACKETS_AHEAD = 60 * RATE; // stop reading there…
const PACKETS_LOW = 30 * RATE; // …and go on here
const SOUND_AHEAD = RATE; // decoded, at speed 1
const FAR_BEHIND = 15 * RATE; // who is so far behind does not follow the show any more

/** How far the packets have got, between two seeks. */
const Input = Object.freeze({
  READING: "reading", // more may come
  ENDED: "ended", // the queue has the last of them
  DRAINED: "drained", // and the decoder was given all
});

/**
 * Plays a Stream. All places are samples of the file, pre-skip included.
 * `onchange` is called when anything but the place may have changed.
 */
export class Playback {
  received = 0; // sample behind what was read
  silent = false; // the speaker pauses: the last block was a sign of life
  following = false; // plays what is being said
  /** @type {unknown} what ended the reading, or null */
  failure = null;
  #stream;
  #edge;
  #wave;
  #onchange;
  #output;
  #decoder;
  #latency = new LatencyController();
  #speed = 1;
  #playing = false;
  #input = /** @type {string} */ (Input.READING);
  #queue = new PacketQueue();
  #epoch = 0; // a seek begins one: what an earlier one brings is dropped
  #reading = Promise.resolve(); // the loop that fills the queue
  #wake = () => {}; // ends its rest
  #decoded = 0; // sample behind what the decoder was given
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
    return new Playback(output, await openDecoder(channels), show);
  }

  /**
   * @param {Output} output
   * @param {Decoder} decoder
   * @param {{stream: Stream, edge: LiveEdge, wave: Wave, onchange: () => void}} show
   */
  constructor(output, decoder, { stream, edge, wave, onchange }) {
    this.#stream = stream;
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
    this.#epoch++;
    this.#stream.interrupt();
    this.#wake();
    this.#queue.clear();
    this.#decoder.close();
    this.#output.close();
  }

  /** @param {boolean} playing */
  set playing(playing) {
    this.#playing = playing;
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
    const { block, start } = await this.#stream.goLive(this.#latency.target * RATE);
    this.#resetTo(start);
    this.following = true;
    this.#enqueue(block);
  }

  /**
   * Drops all there is, moves, and reads on from there.
   * @param {number} sample
   * @param {() => Promise<void>} move
   */
  async #restart(sample, move) {
    const epoch = ++this.#epoch;
    this.#resetTo(sample);
    this.#stream.interrupt();
    this.#wake();
    await this.#reading;
    if (epoch === this.#epoch) this.#reading = this.#read(epoch, move);
  }

  /** @param {number} sample */
  #resetTo(sample) {
    this.#queue.clear();
    this.#from = this.#decoded = this.received = sample;
    this.#until = Infinity;
    this.#input = Input.READING;
    this.#sounded = this.following = this.silent = false;
    this.#latency.restart();
    this.failure = null;
    this.#decoder.reset();
    this.#output.seek(sample);
    this.#setPace();
  }

  /**
   * Fills the queue until the show ends, the reader refuses, or a seek interrupts.
   * @param {number} epoch
   * @param {() => Promise<void>} move
   */
  async #read(epoch, move) {
    try {
      await move();
      for (let block; (block = await this.#stream.read()); ) {
        if (epoch !== this.#epoch) return;
        this.#enqueue(block);
        await this.#rest(epoch);
      }
    } catch (error) {
      if (epoch !== this.#epoch) return;
      this.failure = error;
    }
    if (epoch !== this.#epoch) return;
    this.#input = Input.ENDED;
    this.#decodeAhead();
    this.#onchange();
  }

  /**
   * Stops reading while there is plenty, without keeping the line.
   * @param {number} epoch
   */
  async #rest(epoch) {
    if (this.received - this.heard < PACKETS_AHEAD) return;
    this.#stream.release();
    while (epoch === this.#epoch && this.received - this.heard > PACKETS_LOW) {
      await /** @type {Promise<void>} */ (new Promise((resolve) => (this.#wake = resolve)));
    }
  }

  /** @param {Block} block */
  #enqueue(block) {
    const silent = this.#edge.noteBlock(block, this.#stream.atEdge, performance.now());
    this.#queue.push(block);
    if (block.last) this.#until = block.end;
    this.received = block.end;
    this.#decodeAhead();
    if (silent !== this.silent) {
      this.silent = silent;
      this.#onchange();
    }
  }

  /** Decodes as much as is wanted ahead. */
  #decodeAhead() {
    const enough = this.heard + SOUND_AHEAD * Math.max(1, this.#speed);
    this.#decoded = this.#queue.removeUntil(this.#decoded, enough, (packet, start) =>
      this.#decoder.decode(packet, start),
    );
    if (this.#input === Input.ENDED && this.#queue.empty) this.#drain(this.#epoch);
  }

  /** @param {number} epoch */
  async #drain(epoch) {
    this.#input = Input.DRAINED;
    await this.#decoder.flush();
    if (epoch === this.#epoch) this.#output.complete();
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
    if (this.received - this.heard < PACKETS_LOW) this.#wake();
    if (this.#playing) this.#holdLatency(report);
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
    if (!this.#latency.measure((least + this.received - this.#decoded) / RATE, now)) return;
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
