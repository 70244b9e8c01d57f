// What the speaker has chosen to be heard with: which microphone, how it is processed, muted or not.
// It outlasts the microphones that are opened for it.

import { Mic } from "../state.js";
import { Fault, measure, SoundWatch } from "./level.js";
import { Microphone } from "./microphone.js";

/** @import { Level } from "./level.js" */
/** @import { Wishes } from "./microphone.js" */

const STILL = 2_000; // ms without a frame: something is wrong below us

export class Input {
  /** Called for every 20 ms of sound, as it is to be sent, with the time when they ended. */
  onframe = (/** @type {Float32Array[]} */ _planes, /** @type {number} */ _captured) => {};
  onchange = () => {};
  /** @type {Level} before muting */
  level = { peak: 0, clipped: false };
  muted = false;
  wishes;
  /** @type {Microphone | null} */
  #microphone = null;
  /** @type {string} while there is no microphone */
  #lack = Mic.OFF;
  #watch = new SoundWatch();
  #heard = 0; // ms, when the last frame came
  #channels = 1;
  #opening = Promise.resolve();
  #closed = 0; // times

  /** @param {Wishes} wishes */
  constructor(wishes) {
    this.wishes = wishes;
  }

  get mic() {
    if (!this.#microphone) return this.#lack;
    if (this.#microphone.ended) return Mic.MISSING;
    return this.#microphone.sleeping ? Mic.SLEEPING : Mic.OPEN;
  }

  /** The device that is open in fact, or that will be asked for. */
  get device() {
    return this.#microphone?.device ?? this.wishes.device;
  }

  /** What is wrong with the sound, one of Fault or null. */
  get fault() {
    if (this.mic !== Mic.OPEN || this.muted) return null;
    return performance.now() - this.#heard > STILL ? Fault.SILENT : this.#watch.fault;
  }

  /**
   * Opens a microphone, or another one, or wakes the one that sleeps. The first time, and where the
   * browser wants it, this has to be called in a tap.
   * @param {number} channels
   */
  open(channels) {
    this.#channels = channels;
    if (this.mic === Mic.SLEEPING)
      this.#microphone?.wake().catch(() => {}); // still asleep: the next tap tries again
    else this.#reopen();
    return this.#opening;
  }

  /** @param {number} closed how often it was when this was asked for */
  async #open(closed) {
    if (closed !== this.#closed) return;
    if (!this.#microphone) this.#lack = Mic.OPENING;
    this.onchange();
    try {
      const microphone = await Microphone.open(this.wishes, this.#channels);
      if (closed !== this.#closed) return microphone.close(); // nobody wants to be heard any more
      this.#use(microphone);
    } catch (error) {
      if (closed !== this.#closed) return;
      if (!this.#microphone) this.#lack = lackOf(error);
    }
    this.onchange();
  }

  /** @param {Microphone} microphone in place of the one before, which was heard until now */
  #use(microphone) {
    this.#microphone?.close();
    this.#microphone = microphone;
    this.#watch = new SoundWatch();
    this.#heard = performance.now();
    microphone.onframe = (planes, captured) => this.#hear(planes, captured);
    microphone.onchange = () => this.onchange();
  }

  /**
   * @param {Float32Array[]} planes
   * @param {number} captured
   */
  #hear(planes, captured) {
    this.#heard = performance.now();
    this.level = measure(planes);
    this.#watch.hear(this.level);
    if (this.muted) for (const plane of planes) plane.fill(0);
    this.onframe(planes, captured);
  }

  toggleMute() {
    this.muted = !this.muted;
    this.onchange();
  }

  /**
   * Resolves when the wishes are fulfilled, as far as they can be.
   * @param {Partial<Wishes>} wishes
   */
  wish(wishes) {
    this.wishes = { ...this.wishes, ...wishes };
    if (this.#microphone) this.#reopen();
    return this.#opening;
  }

  /** Opens what is there again: the device was pulled out, and something was plugged in. */
  recover() {
    if (this.#microphone?.ended) this.#reopen();
  }

  #reopen() {
    const closed = this.#closed;
    this.#opening = this.#opening.then(() => this.#open(closed));
  }

  /** Closes the microphone, also one that is being opened. */
  close() {
    this.#closed++;
    this.#microphone?.close();
    this.#microphone = null;
    this.#lack = Mic.OFF;
  }
}

/** @param {unknown} error of getUserMedia */
function lackOf(error) {
  const name = error instanceof Error ? error.name : "";
  if (name === "NotAllowedError" || name === "SecurityError") return Mic.REFUSED;
  return name === "NotFoundError" || name === "OverconstrainedError" ? Mic.MISSING : Mic.FAILED;
}
