import { Resampler } from "./resample.js";

export const RATE = 48000; // samples in a second of any Opus stream
export const FRAME = 960; // samples: 20 ms

/** Makes frames of the pieces, of any rate and size, in which sound comes. */
export class Framer {
  #resamplers;
  #planes;
  #filled = 0; // samples

  /**
   * @param {number} channels
   * @param {number} rate samples a second of what comes
   */
  constructor(channels, rate) {
    this.#resamplers = Array.from({ length: channels }, () => new Resampler(rate, RATE));
    this.#planes = newFrame(channels);
  }

  /**
   * @param {Float32Array[]} input a piece of each channel
   * @param {(planes: Float32Array<ArrayBuffer>[]) => void} onframe
   */
  push(input, onframe) {
    const sound = this.#resamplers.map((resampler, channel) => resampler.push(input[channel]));
    for (let at = 0; at < sound[0].length; ) {
      const count = Math.min(FRAME - this.#filled, sound[0].length - at);
      this.#planes.forEach((plane, channel) => {
        plane.set(sound[channel].subarray(at, at + count), this.#filled);
      });
      at += count;
      this.#filled += count;
      if (this.#filled === FRAME) this.#handOut(onframe);
    }
  }

  /** @param {(planes: Float32Array<ArrayBuffer>[]) => void} onframe */
  #handOut(onframe) {
    onframe(this.#planes);
    this.#planes = newFrame(this.#planes.length);
    this.#filled = 0;
  }
}

/** @param {number} channels */
const newFrame = (channels) => Array.from({ length: channels }, () => new Float32Array(FRAME));
