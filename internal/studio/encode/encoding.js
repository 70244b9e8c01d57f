// Frames in, packets out, while encoders come and go.

import { silentPacket } from "../capture/silence.js";
import { within } from "../capture/within.js";
import { openEncoder } from "./encoder.js";

/** @import { Audio, Encoder } from "./encoder.js" */

const WAITING = 500; // frames, 10 s: whoever waits longer for an encoder is not heard
const PATIENCE = 3_000; // ms that an encoder has for its last packets
const AGAIN = 5_000; // ms until another encoder is looked for

/**
 * Encodes every frame once and in order, also while an encoder is opened or replaced. A frame that an
 * encoder has taken with it becomes silence, so that time goes on.
 * @template Mark what is said of a frame comes back with its packet; of each frame another one
 */
export class Encoding {
  onpacket = (/** @type {Uint8Array<ArrayBuffer>} */ _packet, /** @type {Mark} */ _mark) => {};
  /** Called when there is no encoder and none can be had; it is tried again until all is closed. */
  onfailure = (/** @type {unknown} */ _error) => {};
  broken = false; // none could be had last
  preSkip = 0; // samples, of the encoder that was opened last
  /** @type {Encoder | null} */
  #encoder = null;
  /** @type {Mark[]} of the frames that the encoder has */
  #inside = [];
  /** @type {{planes: Float32Array[], mark: Mark}[]} frames that wait for an encoder */
  #waiting = [];
  /** @type {Promise<unknown>} */
  #changing = Promise.resolve();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #again;
  #channels = 1;
  #closed = 0; // times
  #open;

  constructor(open = openEncoder) {
    this.#open = open;
  }

  /**
   * Encodes what comes from now on as the station wants it. Where that cannot be, the encoder of before
   * goes on.
   * @param {Audio} audio
   * @returns {Promise<boolean>} whether it can
   */
  use(audio) {
    clearTimeout(this.#again);
    const closed = this.#closed;
    const changed = this.#changing.then(() => this.#change(audio, closed));
    this.#changing = changed.catch(() => {});
    return changed.then(
      () => true,
      (error) => {
        if (closed === this.#closed && !this.#encoder) this.#tryAgain(audio, error);
        return false;
      },
    );
  }

  /**
   * @param {Audio} audio
   * @param {unknown} error
   */
  #tryAgain(audio, error) {
    this.broken = true;
    this.#again = setTimeout(() => this.use(audio), AGAIN);
    this.onfailure(error);
  }

  /**
   * @param {Audio} audio
   * @param {number} closed how often it was when this was wished for
   */
  async #change(audio, closed) {
    const next = await this.#open(audio);
    if (closed === this.#closed) await this.#end();
    if (closed !== this.#closed) return next.close();
    next.onpacket = (packet, mark) => this.#handOut(packet, /** @type {Mark} */ (mark));
    next.onfailure = (error) => this.#fail(next, audio, error);
    this.broken = false;
    this.#channels = audio.channels;
    this.preSkip = next.preSkip;
    this.#encoder = next;
    for (const { planes, mark } of this.#waiting.splice(0)) this.encode(planes, mark);
  }

  /** Gives the last packets of an encoder; frames wait for the next one meanwhile. */
  async #end() {
    const last = this.#encoder;
    this.#encoder = null;
    if (!last) return;
    await within(PATIENCE, last.flush()).catch(() => {}); // it has failed
    this.#loseInside();
    closeQuietly(last);
  }

  /**
   * @param {Encoder} encoder
   * @param {Audio} audio
   * @param {unknown} error
   */
  #fail(encoder, audio, error) {
    if (this.#encoder !== encoder) return;
    console.error("the encoder has failed:", error);
    this.#encoder = null;
    closeQuietly(encoder);
    this.#loseInside();
    this.use(audio);
  }

  #loseInside() {
    for (const mark of this.#inside.splice(0)) this.#giveSilence(mark);
  }

  /** @param {Mark} mark of a frame that is lost */
  #giveSilence(mark) {
    this.onpacket(silentPacket(this.#channels), mark);
  }

  /**
   * @param {Uint8Array<ArrayBuffer>} packet
   * @param {Mark} mark
   */
  #handOut(packet, mark) {
    if (this.#inside[0] !== mark) return; // nobody wants it any more
    this.#inside.shift();
    this.onpacket(packet, mark);
  }

  /**
   * @param {Float32Array[]} planes
   * @param {Mark} mark
   */
  encode(planes, mark) {
    const encoder = this.#encoder;
    if (!encoder) return this.#wait(planes, mark);
    this.#inside.push(mark);
    try {
      encoder.encode(planes, mark);
    } catch (error) {
      this.#inside.pop();
      this.#waiting.push({ planes, mark });
      encoder.onfailure(error);
    }
  }

  /**
   * @param {Float32Array[]} planes
   * @param {Mark} mark
   */
  #wait(planes, mark) {
    this.#waiting.push({ planes, mark });
    if (this.#waiting.length > WAITING) this.#giveSilence(this.#waiting.splice(0, 1)[0].mark);
  }

  /** Resolves when all frames so far have become packets, or silence if that takes too long. */
  async flush() {
    await within(
      PATIENCE,
      this.#changing.then(() => this.#encoder?.flush()),
    ).catch(() => {});
    this.#loseInside();
    for (const { mark } of this.#waiting.splice(0)) this.#giveSilence(mark);
  }

  /** Forgets the frames that have not become packets yet. */
  discard() {
    this.#inside = [];
    this.#waiting = [];
  }

  close() {
    this.#closed++;
    this.broken = false;
    clearTimeout(this.#again);
    this.discard();
    if (this.#encoder) closeQuietly(this.#encoder);
    this.#encoder = null;
  }
}

/** @param {Encoder} encoder that may have failed */
function closeQuietly(encoder) {
  try {
    encoder.close();
  } catch (error) {
    console.error("an encoder cannot be closed:", error);
  }
}
