import { FRAME, RATE } from "../capture/framer.js";

/** @import { Audio, Encoder } from "./encoder.js" */

/**
 * libopus in WebAssembly.
 * @implements {Encoder}
 */
export class WasmEncoder {
  preSkip;
  onpacket = (/** @type {Uint8Array<ArrayBuffer>} */ _packet, /** @type {unknown} */ _mark) => {};
  onfailure = (/** @type {unknown} */ _error) => {};
  #opus;

  /** @param {Audio} audio */
  static async open({ channels, bitrate, application, vbr }) {
    /** @type {Libopus} */
    const { Application, Signal, createEncoder } = await import(
      new URL("../vendor/libopus-wasm/index.js", import.meta.url).href
    );
    const voice = application === "voip";
    const opus = await createEncoder({
      channels,
      bitrate,
      vbr,
      sampleRate: RATE,
      frameSize: FRAME,
      application: voice ? Application.Voip : Application.Audio,
      signal: voice ? Signal.Voice : Signal.Music,
      dtx: false,
    });
    return new WasmEncoder(opus);
  }

  /** @param {LibopusEncoder} opus */
  constructor(opus) {
    this.#opus = opus;
    this.preSkip = opus.getLookahead();
  }

  /**
   * @param {Float32Array[]} planes
   * @param {unknown} mark
   */
  encode(planes, mark) {
    this.onpacket(this.#opus.encodeFloat(interleave(planes)), mark);
  }

  async flush() {}

  close() {
    this.#opus.free();
  }
}

/** @param {Float32Array[]} planes */
function interleave(planes) {
  if (planes.length === 1) return planes[0];
  const sound = new Float32Array(FRAME * planes.length);
  planes.forEach((plane, channel) => {
    for (let i = 0; i < FRAME; i++) sound[i * planes.length + channel] = plane[i];
  });
  return sound;
}
