// The way of a frame of sound to its packet. What it is for is decided when it is captured, however
// long it waits for an encoder.

import { Encoding } from "./encode/encoding.js";

/** @import { Audio } from "./encode/encoder.js" */
/** @import { Rehearsal } from "./rehearsal.js" */

export const SHOW = "show";

/**
 * @typedef {object} Mark of a frame
 * @property {number} captured ms since 1970 by the page's clock, when it ended
 * @property {typeof SHOW | Rehearsal} purpose
 */

/** @typedef {(packet: Uint8Array<ArrayBuffer>, mark: Mark) => void} Hear */

export class Speech {
  application = ""; // what the sound is taken for: "voip" or "audio"
  /** @type {Encoding<Mark>} */
  #encoding = new Encoding();
  /** @type {Audio | null} */
  #audio = null;

  /**
   * @param {Hear} onpacket
   * @param {() => void} onbroken there is no encoder; it is tried again until all is closed
   */
  constructor(onpacket, onbroken) {
    this.#encoding.onpacket = onpacket;
    this.#encoding.onfailure = (error) => {
      console.error(error);
      onbroken();
    };
  }

  /** Whether no encoder can be had just now. */
  get broken() {
    return this.#encoding.broken;
  }

  /** Samples at 48 kHz that decoders leave out at the beginning. */
  get preSkip() {
    return this.#encoding.preSkip;
  }

  /**
   * Resolves when sound can be encoded as the station wants it.
   * @param {Audio} audio
   */
  async prepare(audio) {
    if (this.#audio) return;
    this.#audio = audio;
    this.application ||= audio.application;
    await this.#encoding.use({ ...audio, application: this.application });
  }

  /**
   * Takes the sound for something else from now on, if the browser can.
   * @param {string} application "voip" or "audio"
   */
  async setApplication(application) {
    const before = this.application;
    if (before === application) return;
    this.application = application;
    if (!this.#audio || (await this.#encoding.use({ ...this.#audio, application }))) return;
    if (this.application === application) this.application = before;
  }

  /**
   * @param {Float32Array[]} planes
   * @param {number} captured ms by performance.now()
   * @param {Mark["purpose"]} purpose
   */
  hear(planes, captured, purpose) {
    this.#encoding.encode(planes, { captured: performance.timeOrigin + captured, purpose });
  }

  /** Resolves when all that was heard has become packets. */
  flush() {
    return this.#encoding.flush();
  }

  /** Forgets the sound that has not become packets yet. */
  discard() {
    this.#encoding.discard();
  }

  close() {
    this.#encoding.close();
    this.#audio = null;
  }
}
