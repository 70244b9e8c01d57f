// The loudspeaker: an AudioContext whose worklet plays 48 kHz sound.

import { RATE } from "../format/opus.js";

/**
 * What the audio thread does, as it last said.
 * @typedef {object} Report
 * @property {number} epoch the number of the seek that it is about
 * @property {number} sample that is played
 * @property {number} end behind the last sample that lies ready
 * @property {number} time in seconds of the AudioContext, when it was played
 * @property {number} least samples that lay ready since the report before
 * @property {boolean} sounding
 * @property {boolean} starved it waits until enough lies ready
 * @property {boolean} finished everything has been played
 */

/**
 * What the audio thread is told.
 * @typedef {{kind: "seek", epoch: number, sample: number}
 *   | {kind: "sound", epoch: number, planes: Float32Array[], start: number}
 *   | {kind: "complete", epoch: number}
 *   | {kind: "play", playing: boolean}
 *   | {kind: "pace", speed: number, enough: number}
 *   | {kind: "close"}} Command
 */

/** @type {Report} */
const NOWHERE = {
  epoch: -1,
  sample: 0,
  end: 0,
  time: 0,
  least: Infinity,
  sounding: false,
  starved: true,
  finished: false,
};

/** Makes what an Output needs. It has to be called in a click: browsers allow sound only then. */
export function openSound() {
  const context = new AudioContext({ sampleRate: RATE, latencyHint: "interactive" });
  context.resume().catch(() => {}); // refused outside of a click; play() tries again
  return context;
}

/** Plays decoded sound. */
export class Output {
  report = NOWHERE;
  /** Called about 20 times a second, also in background tabs, where timers sleep. */
  onreport = (/** @type {Report} */ _) => {};
  #context;
  #gain;
  #node;
  #speed = 1;
  #playing = false;
  epoch = 0; // the number of the seek that the sound is of

  /**
   * @param {AudioContext} context
   * @param {number} channels
   */
  static async open(context, channels) {
    await context.audioWorklet.addModule(new URL("worklet.js", import.meta.url));
    return new Output(context, channels);
  }

  /**
   * @param {AudioContext} context
   * @param {number} channels
   */
  constructor(context, channels) {
    this.#context = context;
    this.#node = new AudioWorkletNode(context, "loudspeaker", {
      numberOfInputs: 0,
      outputChannelCount: [channels],
      processorOptions: { channels },
    });
    this.#gain = new GainNode(context);
    this.#node.connect(this.#gain).connect(context.destination);
    this.#node.port.onmessage = ({ data }) => {
      this.report = data;
      this.onreport(data);
    };
  }

  /**
   * @param {Command} command
   * @param {Transferable[]} [transfer]
   */
  #send(command, transfer = []) {
    this.#node.port.postMessage(command, transfer);
  }

  /**
   * Forgets all sound; what comes next begins at a sample.
   * @param {number} sample
   */
  seek(sample) {
    this.epoch++;
    this.report = { ...NOWHERE, epoch: this.epoch, sample, end: sample };
    this.#send({ kind: "seek", epoch: this.epoch, sample });
  }

  /**
   * The planes become the audio thread's, so they must not be used any more.
   * @param {Float32Array<ArrayBuffer>[]} planes
   * @param {number} start
   */
  write(planes, start) {
    const buffers = planes.map((plane) => plane.buffer);
    this.#send({ kind: "sound", epoch: this.epoch, planes, start }, buffers);
  }

  /** Says that all sound has been written. */
  complete() {
    this.#send({ kind: "complete", epoch: this.epoch });
  }

  get playing() {
    return this.#playing;
  }

  set playing(playing) {
    this.#playing = playing;
    if (playing) this.#context.resume().catch(() => {});
    this.#send({ kind: "play", playing });
  }

  /**
   * @param {number} speed
   * @param {number} enough seconds have to lie ready before it begins
   */
  setPace(speed, enough) {
    this.#speed = speed;
    this.#send({ kind: "pace", speed, enough: Math.round(enough * RATE) });
  }

  /** @param {number} gain */
  set gain(gain) {
    this.#gain.gain.value = gain;
  }

  close() {
    this.#node.port.onmessage = null;
    this.#send({ kind: "close" });
    this.#node.disconnect();
    this.#gain.disconnect();
  }

  /**
   * Whether a report is about the sound since the last seek.
   * @param {Report} report
   */
  isCurrent(report) {
    return report.epoch === this.epoch;
  }

  /** The sample that is heard right now: what the worklet plays is still on its way to the ear. */
  get heard() {
    const { sample, time, sounding } = this.report;
    if (!sounding || !this.#playing) return sample;
    const late = this.#context.outputLatency || this.#context.baseLatency || 0;
    return sample + (this.#context.currentTime - time - late) * RATE * this.#speed;
  }
}
