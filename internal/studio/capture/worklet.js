// The audio thread's end of microphone.js: makes 20 ms frames of what the microphone gives.

import { Framer } from "./framer.js";

class Capture extends AudioWorkletProcessor {
  #framer;
  #closed = false;

  /** @param {{processorOptions: {channels: number}}} options */
  constructor({ processorOptions: { channels } }) {
    super();
    this.#framer = new Framer(channels, sampleRate);
    this.port.onmessage = () => (this.#closed = true);
  }

  /** @param {Float32Array[][]} inputs */
  process([input]) {
    if (input.length > 0) this.#framer.push(input, (planes) => this.#send(planes));
    return !this.#closed;
  }

  /** @param {Float32Array<ArrayBuffer>[]} planes */
  #send(planes) {
    /** @type {import("./microphone.js").Frame} */
    const frame = { planes, time: 1000 * currentTime };
    this.port.postMessage(
      frame,
      planes.map((plane) => plane.buffer),
    );
  }
}

registerProcessor("capture", Capture);
