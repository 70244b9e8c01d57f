// How loud sound is, and whether something is wrong with it.

import { FRAME, RATE } from "./framer.js";

const FULL = 0.99; // what a sample of clipped sound has at least
const CLIPPED = 3; // one or two of them in a frame may be chance
const QUIETEST = -90; // dB

const SECOND = RATE / FRAME; // frames
const DEAF = 2.5 * SECOND; // without sound: the speaker knows it within 3 s
const SILENCE = 10 ** (-60 / 20); // what even a quiet room is louder than
const REMEMBERED = 3 * SECOND; // a warning of what was too loud stays readable
const AGAIN = 3; // clipped frames within that time are worth a warning

/**
 * @typedef {object} Level
 * @property {number} peak from 0 to 1, or more where it clips
 * @property {boolean} clipped
 */

/**
 * @param {Float32Array[]} planes
 * @returns {Level}
 */
export function measure(planes) {
  let peak = 0;
  let full = 0;
  for (const plane of planes) {
    for (const sample of plane) {
      const size = Math.abs(sample);
      if (size > peak) peak = size;
      if (size >= FULL) full++;
    }
  }
  return { peak, clipped: full >= CLIPPED };
}

/**
 * @param {number} peak
 * @returns {number} dB, 0 is the loudest
 */
export const decibels = (peak) => Math.max(QUIETEST, 20 * Math.log10(peak));

/** What is wrong with the sound. */
export const Fault = Object.freeze({ SILENT: "silent", CLIPPING: "clipping" });

/** Watches the levels of one microphone, frame by frame. */
export class SoundWatch {
  #silent = 0; // frames since the last sound
  #frame = 0;
  /** @type {number[]} the frames that clipped */
  #clipped = [];

  /** @param {Level} level */
  hear({ peak, clipped }) {
    this.#frame++;
    this.#silent = peak < SILENCE ? this.#silent + 1 : 0;
    if (clipped) this.#clipped.push(this.#frame);
    this.#clipped = this.#clipped.filter((frame) => frame > this.#frame - REMEMBERED);
  }

  /** @returns {string | null} one of Fault */
  get fault() {
    if (this.#silent >= DEAF) return Fault.SILENT;
    return this.#clipped.length >= AGAIN ? Fault.CLIPPING : null;
  }
}
