// The microphone: from a device to 20 ms frames of 48 kHz sound.

import { ClockOffset } from "./clock.js";
import { RATE } from "./framer.js";

/**
 * @typedef {object} Frame what the audio thread sends
 * @property {Float32Array<ArrayBuffer>[]} planes 960 samples of each channel
 * @property {number} time ms of the AudioContext's clock, when the frame ended
 */

/**
 * @typedef {object} Wishes of the speaker; a browser need not fulfil them
 * @property {string} device "" is the system's choice
 * @property {boolean} echo cancel it
 * @property {boolean} noise suppress it
 * @property {boolean} gain control it
 */

const LONGEST = 1; // second: no microphone is that late
const DRIFT = 100; // frames, 2 s, to compare clocks over

/** One that is open. It is closed, and another one opened, for other wishes. */
export class Microphone {
  /** Called for every frame, with the time when it ended, ms by performance.now(). */
  onframe = (/** @type {Float32Array[]} */ _planes, /** @type {number} */ _captured) => {};
  /** Called when it begins or ceases to give sound. */
  onchange = () => {};
  #stream;
  #context;
  /** @type {AudioWorkletNode} */
  #node;
  #source;
  #clock = new ClockOffset(DRIFT);

  /**
   * Asks the speaker where they have not said yet that the page may use it.
   * @param {Wishes} wishes
   * @param {number} channels
   */
  static async open(wishes, channels) {
    const stream = await ask(wishes, channels);
    try {
      const { context, source } = connect(stream);
      context.resume().catch(() => {}); // without a tap it may be refused: then it is asleep
      await context.audioWorklet.addModule(new URL("worklet.js", import.meta.url));
      return new Microphone(stream, context, source, channels);
    } catch (error) {
      stopTracks(stream);
      throw error;
    }
  }

  /**
   * @param {MediaStream} stream
   * @param {AudioContext} context
   * @param {AudioNode} source
   * @param {number} channels
   */
  constructor(stream, context, source, channels) {
    this.#stream = stream;
    this.#context = context;
    this.#source = source;
    this.#node = new AudioWorkletNode(context, "capture", {
      numberOfOutputs: 0,
      channelCount: channels,
      channelCountMode: "explicit",
      processorOptions: { channels },
    });
    this.#node.port.onmessage = ({ data }) => this.#hear(data);
    source.connect(this.#node);
    context.onstatechange = () => this.onchange();
    for (const event of ["ended", "mute", "unmute"]) this.#track.addEventListener(event, () => this.onchange());
  }

  get #track() {
    return this.#stream.getAudioTracks()[0];
  }

  /** How old sound is when the page gets it, ms, where the browser tells it. */
  get #latency() {
    const { latency = 0 } = /** @type {MediaTrackSettings & {latency?: number}} */ (this.#track.getSettings());
    return latency > 0 && latency < LONGEST ? 1000 * latency : 0;
  }

  /** @param {Frame} frame */
  #hear({ planes, time }) {
    this.#clock.hear(time, performance.now());
    this.onframe(planes, this.#clock.toOurs(time) - this.#latency);
  }

  /** The device that was opened in fact. */
  get device() {
    return this.#track.getSettings().deviceId ?? "";
  }

  /** The device was pulled out, or the permission was taken back. */
  get ended() {
    return this.#track.readyState === "ended";
  }

  /** The browser wants a tap, or a call has the microphone. */
  get sleeping() {
    return this.#context.state !== "running" || this.#track.muted;
  }

  /** To be called in a tap. */
  wake() {
    return this.#context.resume();
  }

  close() {
    this.#node.port.onmessage = null;
    this.#node.port.postMessage("close");
    this.#source.disconnect();
    stopTracks(this.#stream);
    this.#context.onstatechange = null;
    this.#context.close();
  }
}

/**
 * Another device is better than none: the one that is wished for may have been pulled out.
 * @param {Wishes} wishes
 * @param {number} channels
 * @returns {Promise<MediaStream>}
 */
async function ask(wishes, channels) {
  try {
    return await navigator.mediaDevices.getUserMedia({ audio: constraints(wishes, channels) });
  } catch (error) {
    const isMissing = error instanceof Error && ["OverconstrainedError", "NotFoundError"].includes(error.name);
    if (!wishes.device || !isMissing) throw error;
    return ask({ ...wishes, device: "" }, channels);
  }
}

/**
 * @param {Wishes} wishes
 * @param {number} channels
 * @returns {MediaTrackConstraints}
 */
function constraints({ device, echo, noise, gain }, channels) {
  return {
    ...(device && { deviceId: { exact: device } }), // Chrome takes no other wish for one
    channelCount: { ideal: channels },
    echoCancellation: echo,
    noiseSuppression: noise,
    autoGainControl: gain,
  };
}

/**
 * Firefox does not connect a device to a context of another rate: there the worklet resamples.
 * @param {MediaStream} stream
 */
function connect(stream) {
  const context = new AudioContext({ sampleRate: RATE, latencyHint: "interactive" });
  try {
    return { context, source: context.createMediaStreamSource(stream) };
  } catch {
    context.close();
    const native = new AudioContext({ latencyHint: "interactive" });
    return { context: native, source: native.createMediaStreamSource(stream) };
  }
}

/** @param {MediaStream} stream */
function stopTracks(stream) {
  for (const track of stream.getTracks()) track.stop();
}

/** All microphones. Their names are empty until one was opened. */
export async function devices() {
  return (await navigator.mediaDevices.enumerateDevices()).filter(({ kind }) => kind === "audioinput");
}
