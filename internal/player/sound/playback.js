// The way of a block to the ear: Stream -> queue of packets -> decoder -> Output.
// Packets are kept for a minute ahead, sound for a second, so hours of a show
// take no more memory than its first minute.

import { LiveClock } from "./clock.js";
import { openDecoder } from "./decoder.js";
import { Jitter } from "./jitter.js";
import { packetDuration } from "../format/opus.js";
import { Output } from "./output.js";

export const RATE = 48000; // samples in a second
const PACKETS_AHEAD = 60 * RATE; // stop reading there…
const PACKETS_LOW = 30 * RATE; // …and go on here
const SOUND_AHEAD = RATE; // decoded, at speed 1
const SPARE_WINDOW = 2_000; // ms over which the least that lies ready is looked for
const FAR_BEHIND = 15 * RATE; // who is so far behind does not follow the show any more

/**
 * Playback plays a Stream. All places are samples of the file, pre-skip
 * included. `onchange` is called when anything but the place may have changed.
 */
export class Playback {
  clock = new LiveClock();
  received = 0; // sample behind what was read
  known = 0; // sample up to which the show is known to go
  silent = false; // the speaker pauses: the last block was a sign of life
  following = false; // plays what is being said
  failure = null; // what ended the reading
  #stream;
  #wave;
  #onchange;
  #preparing = null; // the promise that #output and #decoder are there
  #output = null;
  #decoder = null;
  #jitter = new Jitter();
  #speed = 1;
  #playing = false;
  #queue = []; // {packet, start}, to be decoded
  #epoch = 0; // a seek begins one: what an earlier one brings is dropped
  #reading = Promise.resolve(); // the loop that fills the queue
  #wake = () => {}; // ends its rest
  #decoded = 0; // sample behind what the decoder was given
  #from = 0; // the first sample to be heard
  #until = Infinity; // and the last, less one: end trim
  #ended = false; // the queue has the end of the show
  #drained = false; // and the decoder was given all of it
  #sounded = false; // at the last report
  #spare = Infinity; // seconds: the least that lay ready in this window
  #spareSince = 0; // ms

  constructor(stream, wave, onchange) {
    this.#stream = stream;
    this.#wave = wave;
    this.#onchange = onchange;
  }

  /** Opens decoder and loudspeaker, once. */
  prepare(sound) {
    this.#preparing ??= this.#open(sound).catch((error) => {
      this.#preparing = null;
      throw error;
    });
    return this.#preparing;
  }

  async #open(sound) {
    const { channels } = this.#stream.head;
    this.#output = await Output.open(sound, channels, (report) => this.#reported(report));
    this.#decoder = await openDecoder(channels, (planes, start) => this.#sound(planes, start));
    this.#pace();
  }

  /** Ends everything. */
  close() {
    this.#epoch++;
    this.#stream.interrupt();
    this.#wake();
    this.#queue = [];
    this.#decoder?.close();
    this.#output?.close();
  }

  set playing(playing) {
    this.#playing = playing;
    if (!playing) this.following = false;
    this.#output.playing = playing;
  }

  set gain(gain) {
    if (this.#output) this.#output.gain = gain;
  }

  set speed(speed) {
    this.#speed = speed;
    if (speed < 1) this.following = false;
    this.#pace();
  }

  get heard() {
    return this.#output ? Math.min(this.#output.heard, this.received) : this.#from;
  }

  get sounding() {
    return this.#output?.report.sounding ?? false;
  }

  /** Everything has been heard. */
  get finished() {
    return this.#output?.report.finished ?? false;
  }

  /** Goes to a sample; where a running show is not there yet, to its edge. */
  seekTo(sample) {
    return this.#restart(sample, async () => {
      const block = await this.#stream.seekTo(sample);
      if (block) return this.#take(block);
      await this.#join();
    });
  }

  /** Goes to the edge of a running show. */
  goLive() {
    return this.#restart(this.known, () => this.#join());
  }

  async #join() {
    const { block, start } = await this.#stream.goLive(this.#jitter.target * RATE);
    this.#begin(start);
    this.following = true;
    this.#take(block);
  }

  /** Drops all there is, moves, and reads on from there. */
  async #restart(sample, move) {
    const epoch = ++this.#epoch;
    this.#begin(sample);
    this.#stream.interrupt();
    this.#wake();
    await this.#reading;
    if (epoch === this.#epoch) this.#reading = this.#read(epoch, move);
  }

  #begin(sample) {
    this.#queue = [];
    this.#from = this.#decoded = this.received = sample;
    this.#until = Infinity;
    this.#ended = this.#drained = this.#sounded = this.following = this.silent = false;
    this.#spare = Infinity;
    this.failure = null;
    this.#decoder.reset();
    this.#output.seek(sample);
    this.#pace();
  }

  /** Fills the queue until the show ends, the reader refuses, or a seek interrupts. */
  async #read(epoch, move) {
    try {
      await move();
      for (let block; (block = await this.#stream.read()); ) {
        if (epoch !== this.#epoch) return;
        this.#take(block);
        await this.#rest(epoch);
      }
    } catch (error) {
      if (epoch !== this.#epoch) return;
      this.failure = error;
    }
    if (epoch !== this.#epoch) return;
    this.#ended = true;
    this.#pump();
    this.#onchange();
  }

  /** Stops reading while there is plenty, without keeping the line. */
  async #rest(epoch) {
    if (this.received - this.heard < PACKETS_AHEAD) return;
    this.#stream.release();
    while (epoch === this.#epoch && this.received - this.heard > PACKETS_LOW) {
      await new Promise((resolve) => (this.#wake = resolve));
    }
  }

  #take(block) {
    const now = performance.now();
    this.known = Math.max(this.known, block.end);
    const sign = block.packets.length === 0 && !block.last;
    const silent = sign && this.#stream.atEdge; // an earlier pause is over
    if (silent) this.clock.stop(this.known);
    else if (!sign && this.#stream.atEdge) this.clock.mark(block.end, now);
    let start = block.start;
    for (const packet of block.packets) {
      this.#queue.push({ packet, start });
      start += packetDuration(packet);
    }
    if (block.last) this.#until = block.end;
    this.received = block.end;
    this.#pump();
    if (silent !== this.silent) {
      this.silent = silent;
      this.#onchange();
    }
  }

  /** Decodes as much as is wanted ahead. */
  #pump() {
    const enough = this.heard + SOUND_AHEAD * Math.max(1, this.#speed);
    let done = 0;
    while (done < this.#queue.length && this.#decoded < enough) {
      const { packet, start } = this.#queue[done++];
      this.#decoder.decode(packet, start);
      this.#decoded = start + packetDuration(packet);
    }
    this.#queue.splice(0, done);
    if (this.#ended && this.#queue.length === 0 && !this.#drained) this.#drain(this.#epoch);
  }

  async #drain(epoch) {
    this.#drained = true;
    await this.#decoder.flush();
    if (epoch === this.#epoch) this.#output.complete();
  }

  /** Takes decoded sound: without what is before the wanted place or behind the end. */
  #sound(planes, start) {
    const skip = Math.max(0, this.#from - start);
    const end = Math.min(planes[0].length, this.#until - start);
    if (skip >= end) return;
    const wanted = planes.map((plane) => plane.slice(skip, end));
    this.#wave.add(wanted, start + skip);
    this.#output.write(wanted, start + skip);
  }

  /** The loudspeaker tells how far it is: the heartbeat of playing. */
  #reported(report) {
    if (!this.#output?.isCurrent(report)) return;
    this.#pump();
    if (this.received - this.heard < PACKETS_LOW) this.#wake();
    if (this.#playing) this.#keepUp(report);
    this.#onchange();
  }

  /** Keeps the distance to the edge of the show. */
  #keepUp({ starved, sounding, least }) {
    const now = performance.now();
    if (starved && this.#sounded && !this.#ended) this.#ranOut(now);
    this.#sounded = sounding;
    if (!this.following) return;
    this.#spare = Math.min(this.#spare, (least + this.received - this.#decoded) / RATE);
    if (now - this.#spareSince < SPARE_WINDOW || this.#spare === Infinity) return;
    this.#jitter.observe(this.#spare, now);
    this.#spare = Infinity;
    this.#spareSince = now;
    if (this.received - this.heard > FAR_BEHIND) this.following = false;
    this.#pace();
  }

  /** Whoever catches up with a running show follows it from there. */
  #ranOut(now) {
    if (this.#stream.atEdge && !this.#stream.broken) this.following = true;
    this.#jitter.ranOut(now);
    this.#spare = Infinity;
    this.#pace();
  }

  /** At the edge there is one speed only: that of the speaker. */
  #pace() {
    this.#output?.setPace(this.following ? this.#jitter.rate : this.#speed, this.#jitter.target);
  }
}
