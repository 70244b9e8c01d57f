// The loudspeaker: an AudioContext whose worklet plays 48 kHz sound.

/** A sample of a show that is heard at a moment, as the worklet last told. */
const NOWHERE = { epoch: -1, sample: 0, end: 0, time: 0, least: Infinity, sounding: false, starved: true, finished: false };

/** Makes what an Output needs. It has to be called in a click: browsers allow sound only then. */
export function openSound() {
  const context = new AudioContext({ sampleRate: 48000, latencyHint: "interactive" });
  context.resume().catch(() => {}); // refused outside of a click; play() tries again
  return context;
}

/** Output plays decoded sound. */
export class Output {
  report = NOWHERE;
  #context;
  #gain;
  #node;
  #speed = 1;
  #playing = false;
  #epoch = 0;

  /** @param onreport called about 20 times a second, also in background tabs, where timers sleep */
  static async open(context, channels, onreport) {
    const output = new Output();
    output.#context = context;
    await context.audioWorklet.addModule(new URL("worklet.js", import.meta.url));
    output.#node = new AudioWorkletNode(context, "loudspeaker", {
      numberOfInputs: 0,
      outputChannelCount: [channels],
      processorOptions: { channels },
    });
    output.#gain = new GainNode(context);
    output.#node.connect(output.#gain).connect(context.destination);
    output.#node.port.onmessage = ({ data }) => {
      output.report = data;
      onreport(data);
    };
    return output;
  }

  /** Forgets all sound; what comes next begins at `sample`. */
  seek(sample) {
    this.#epoch++;
    this.report = { ...NOWHERE, epoch: this.#epoch, sample, end: sample };
    this.#node.port.postMessage({ kind: "seek", epoch: this.#epoch, sample });
  }

  /** Takes sound over, so the planes must not be used any more. */
  write(planes, start) {
    const buffers = planes.map((plane) => plane.buffer);
    this.#node.port.postMessage({ kind: "sound", epoch: this.#epoch, planes, start }, buffers);
  }

  /** Says that all sound has been written. */
  complete() {
    this.#node.port.postMessage({ kind: "complete", epoch: this.#epoch });
  }

  set playing(playing) {
    this.#playing = playing;
    if (playing) this.#context.resume().catch(() => {});
    this.#node.port.postMessage({ kind: "play", playing });
  }

  /** How fast to play, and how many seconds have to lie ready before it begins. */
  setPace(speed, enough) {
    this.#speed = speed;
    this.#node.port.postMessage({ kind: "pace", speed, enough: Math.round(enough * 48000) });
  }

  set gain(gain) {
    this.#gain.gain.value = gain;
  }

  close() {
    this.#node.port.onmessage = null;
    this.#node.port.postMessage({ kind: "close" });
    this.#node.disconnect();
    this.#gain.disconnect();
  }

  /** Whether a report is about the sound since the last seek. */
  isCurrent(report) {
    return report.epoch === this.#epoch;
  }

  /** The sample that is heard right now: what the worklet plays is still on its way to the ear. */
  get heard() {
    const { sample, time, sounding } = this.report;
    if (!sounding || !this.#playing) return sample;
    const late = this.#context.outputLatency || this.#context.baseLatency || 0;
    return sample + (this.#context.currentTime - time - late) * 48000 * this.#speed;
  }
}
