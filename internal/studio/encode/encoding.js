// Frames in, packets out, while encoders come and go.

import { openEncoder } from "./encoder.js";

/** @import { Audio, Encoder } from "./encoder.js" */

/** Encodes every frame once and in order, also while an encoder is opened or replaced. */
export class Encoding {
  onpacket = (/** @type {Uint8Array<ArrayBuffer>} */ _packet, /** @type {number} */ _captured) => {};
  /** Called when no encoder can be had. */
  onfailure = (/** @type {unknown} */ _error) => {};
  preSkip = 0; // samples, of the encoder that was opened last
  /** @type {Encoder | null} */
  #encoder = null;
  /** @type {{planes: Float32Array[], captured: number}[]} frames that wait for an encoder */
  #waiting = [];
  #changing = Promise.resolve();
  #open;

  constructor(open = openEncoder) {
    this.#open = open;
  }

  /**
   * Encodes what comes from now on as the station wants it.
   * @param {Audio} audio
   */
  use(audio) {
    this.#changing = this.#changing.then(() => this.#change(audio)).catch((error) => this.onfailure(error));
    return this.#changing;
  }

  /** @param {Audio} audio */
  async #change(audio) {
    const next = await this.#open(audio);
    await this.#end();
    next.onpacket = (packet, captured) => this.onpacket(packet, captured);
    next.onfailure = () => {
      if (this.#encoder === next) this.#encoder = null;
      this.use(audio);
    };
    this.#encoder = next;
    this.preSkip = next.preSkip;
    for (const { planes, captured } of this.#waiting.splice(0)) next.encode(planes, captured);
  }

  /** Gives the last packets of an encoder; frames wait for the next one meanwhile. */
  async #end() {
    const last = this.#encoder;
    this.#encoder = null;
    await last?.flush().catch(() => {}); // it has failed before
    last?.close();
  }

  /**
   * @param {Float32Array[]} planes
   * @param {number} captured
   */
  encode(planes, captured) {
    if (this.#encoder) this.#encoder.encode(planes, captured);
    else this.#waiting.push({ planes, captured });
  }

  /** Resolves when all frames so far have become packets. */
  async flush() {
    await this.#changing;
    await this.#encoder?.flush();
  }

  close() {
    this.#encoder?.close();
    this.#encoder = null;
  }
}
