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

  constructor({ processorOptions: { channels } }) {
    super();
    this.#queue = new PcmQueue(channels, CAPACITY);
    this.#stretcher = new Stretcher(this.#queue);
    this.port.onmessage = ({ data }) => this.#obey(data);
  }

  #obey({ kind, epoch, sample, planes, start, playing, speed, enough }) {
    switch (kind) {
      case "seek":
        this.#epoch = epoch;
        this.#queue.reset(sample);
        this.#stretcher.reset(sample);
        this.#starved = true;
        this.#complete = this.#audible = false;
        break;
      case "sound":
        if (epoch === this.#epoch) this.#queue.push(planes, start);
        break;
      case "complete":
        if (epoch === this.#epoch) this.#complete = true;
        break;
      case "play":
        this.#playing = playing;
        this.#report();
        break;
      case "close":
        this.#closed = true;
        break;
      case "pace":
        this.#stretcher.speed = speed;
        this.#enough = enough;
    }
  }

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

  /** Plays a quantum; what can not be filled is left silent. */
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

  /** Sound never stops from one sample to the next: that clicks. */
  #fadeOut(outputs, count) {
    this.#stretcher.play(outputs, 0, count);
    ramp(outputs, count, (i) => 1 - i / count);
    this.#audible = false;
  }

  #report() {
    this.port.postMessage({
      epoch: this.#epoch,
      sample: this.#stretcher.position,
      end: this.#queue.end,
      time: currentTime,
      least: this.#least,
      sounding: this.#audible,
      starved: this.#starved,
      finished: this.#complete && this.#stretcher.ready === 0,
    });
    this.#unreported = 0;
    this.#least = Infinity;
  }
}

function ramp(outputs, count, gain) {
  for (const output of outputs) for (let i = 0; i < count; i++) output[i] *= gain(i);
}

registerProcessor("loudspeaker", Loudspeaker);
