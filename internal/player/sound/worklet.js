// The audio thread's end of output.js: plays what arrives, and says how far it got.

import { PcmQueue, Stretcher } from "./stretch.js";

const CAPACITY = 1 << 18; // samples: 5 seconds, of which speed 3 needs 3
const REPORT = 2400; // samples between two reports: 50 ms

class Loudspeaker extends AudioWorkletProcessor {
  #queue;
  #stretcher;
  #epoch = 0; // of the sound in the queue; a seek begins a new one
  #playing = false; // the listener wants sound
  #starved = true; // waits until #enough lies ready
  #enough = 0;
  #complete = false; // nothing more will come
  #closed = false;
  #audible = false; // the last quantum had sound
  #least = Infinity; // samples that lay ready, since the last report
  #unreported = 0;

  /** @param {{processorOptions: {channels: number}}} options */
  constructor({ processorOptions: { channels } }) {
    super();
    this.#queue = new PcmQueue(channels, CAPACITY);
    this.#stretcher = new Stretcher(this.#queue);
    this.port.onmessage = ({ data }) => this.#obey(data);
  }

  /** @param {import("./output.js").Command} command */
  #obey(command) {
    switch (command.kind) {
      case "seek":
        this.#seek(command);
        break;
      case "sound":
        if (command.epoch === this.#epoch) this.#queue.push(command.planes, command.start);
        break;
      case "complete":
        if (command.epoch === this.#epoch) this.#complete = true;
        break;
      case "play":
        this.#playing = command.playing;
        this.#report();
        break;
      case "pace":
        this.#stretcher.speed = command.speed;
        this.#enough = command.enough;
        break;
      case "close":
        this.#closed = true;
    }
  }

  /** @param {{epoch: number, sample: number}} command */
  #seek({ epoch, sample }) {
    this.#epoch = epoch;
    this.#queue.reset(sample);
    this.#stretcher.reset(sample);
    this.#starved = true;
    this.#complete = this.#audible = false;
  }

  /**
   * @param {Float32Array[][]} _ no inputs
   * @param {Float32Array[][]} outputs
   */
  process(_, [outputs]) {
    const quantum = outputs[0].length;
    const ready = this.#stretcher.ready;
    if (this.#starved && ready > 0 && (this.#complete || ready >= this.#enough)) this.#starved = false;
    if (this.#playing && !this.#starved) this.#play(outputs, quantum, ready);
    else if (this.#audible) this.#fadeOut(outputs, Math.min(quantum, ready));
    this.#unreported += quantum;
    if (this.#unreported >= REPORT) this.#report();
    return !this.#closed;
  }

  /**
   * Plays a quantum; what cannot be filled is left silent.
   * @param {Float32Array[]} outputs
   * @param {number} quantum samples
   * @param {number} ready samples
   */
  #play(outputs, quantum, ready) {
    this.#least = Math.min(this.#least, ready);
    const last = this.#complete ? ready <= quantum : ready < 2 * quantum; // there may be no next one
    const count = Math.min(quantum, ready);
    this.#stretcher.play(outputs, 0, count);
    if (!this.#audible) ramp(outputs, count, (i) => i / count);
    if (last && !this.#complete) ramp(outputs, count, (i) => 1 - i / count);
    this.#audible = !last;
    if (!last) return;
    this.#starved = true;
    this.#report();
  }

  /**
   * Sound never stops from one sample to the next: that clicks.
   * @param {Float32Array[]} outputs
   * @param {number} count
   */
  #fadeOut(outputs, count) {
    this.#stretcher.play(outputs, 0, count);
    ramp(outputs, count, (i) => 1 - i / count);
    this.#audible = false;
  }

  #report() {
    /** @type {import("./output.js").Report} */
    const report = {
      epoch: this.#epoch,
      sample: this.#stretcher.position,
      end: this.#queue.end,
      time: currentTime,
      least: this.#least,
      sounding: this.#audible,
      starved: this.#starved,
      finished: this.#complete && this.#stretcher.ready === 0,
    };
    this.port.postMessage(report);
    this.#unreported = 0;
    this.#least = Infinity;
  }
}

/**
 * @param {Float32Array[]} outputs
 * @param {number} count
 * @param {(i: number) => number} gain
 */
function ramp(outputs, count, gain) {
  for (const output of outputs) for (let i = 0; i < count; i++) output[i] *= gain(i);
}

registerProcessor("loudspeaker", Loudspeaker);
