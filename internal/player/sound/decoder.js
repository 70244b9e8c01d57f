// Opus packets to sound: by the browser (WebCodecs) or, where it cannot, by
// libopus in WebAssembly, which is fetched only then.

import { RATE } from "../format/opus.js";

/**
 * Receives 48 kHz samples, one array for each channel, of which the first is
 * sample `start` of the show.
 * @typedef {(planes: Float32Array[], start: number) => void} OnSound
 */

/**
 * A packet that cannot be decoded gives no sound.
 * @typedef {object} Decoder
 * @property {OnSound} onsound
 * @property {(packet: Uint8Array, start: number) => void} decode
 * @property {() => void} reset
 * @property {() => Promise<void>} flush resolves when all sound has been given
 * @property {() => void} close
 */

/**
 * @param {number} channels
 * @returns {Promise<Decoder>}
 */
export async function openDecoder(channels) {
  const config = { codec: "opus", sampleRate: RATE, numberOfChannels: channels };
  const native = globalThis.AudioDecoder && (await AudioDecoder.isConfigSupported(config).catch(() => null))?.supported;
  return native ? new NativeDecoder(config) : WasmDecoder.open(channels);
}

/** @implements {Decoder} */
class NativeDecoder {
  /** @type {AudioDecoder} */
  #decoder;
  #config;
  /** @type {OnSound} */
  onsound = () => {};

  /** @param {AudioDecoderConfig} config */
  constructor(config) {
    this.#config = config;
    this.#decoder = this.#newDecoder();
    this.#decoder.configure(config);
  }

  #newDecoder() {
    return new AudioDecoder({
      output: (sound) => this.#handOut(sound),
      error: () => {}, // its state is closed now; the next packet makes another
    });
  }

  /** Sound of earlier packets that is still to come is dropped. */
  reset() {
    if (this.#decoder.state === "closed") this.#decoder = this.#newDecoder();
    this.#decoder.reset();
    this.#decoder.configure(this.#config);
  }

  /**
   * Every Opus packet can be decoded by itself, after those before it sounds better.
   * @param {Uint8Array} packet
   * @param {number} start
   */
  decode(packet, start) {
    if (this.#decoder.state === "closed") this.reset();
    this.#decoder.decode(
      new EncodedAudioChunk({ type: "key", timestamp: Math.round((start * 1e6) / RATE), data: packet }),
    );
  }

  /** @param {AudioData} sound */
  #handOut(sound) {
    const planes = Array.from({ length: sound.numberOfChannels }, (_, planeIndex) => {
      const plane = new Float32Array(sound.numberOfFrames);
      sound.copyTo(plane, { planeIndex, format: "f32-planar" });
      return plane;
    });
    const start = Math.round((sound.timestamp * RATE) / 1e6);
    sound.close();
    this.onsound(planes, start);
  }

  async flush() {
    if (this.#decoder.state === "configured") await this.#decoder.flush().catch(() => {}); // by a reset: nothing to wait for
  }

  close() {
    if (this.#decoder.state !== "closed") this.#decoder.close();
  }
}

/** @implements {Decoder} */
class WasmDecoder {
  #opus;
  /** @type {OnSound} */
  onsound = () => {};

  /** @param {OpusDecoder} opus */
  constructor(opus) {
    this.#opus = opus;
  }

  /** @param {number} channels */
  static async open(channels) {
    await loadScript(new URL("../vendor/opus-decoder.min.js", import.meta.url));
    /** @type {{OpusDecoder: new (options: object) => OpusDecoder}} */
    const library = Reflect.get(globalThis, "opus-decoder");
    const opus = new library.OpusDecoder({ channels, sampleRate: RATE, preSkip: 0 });
    await opus.ready;
    return new WasmDecoder(opus);
  }

  /** What libopus remembers has faded before the pre-roll of a seek is over. */
  reset() {}

  /**
   * @param {Uint8Array} packet
   * @param {number} start
   */
  decode(packet, start) {
    const { channelData, samplesDecoded } = this.#opus.decodeFrame(packet);
    const planes = channelData.map((plane) => plane.slice(0, samplesDecoded));
    if (samplesDecoded > 0) this.onsound(planes, start);
  }

  async flush() {}

  close() {
    this.#opus.free();
  }
}

/**
 * The library is no module: it makes a global.
 * @param {URL} url
 */
function loadScript(url) {
  return new Promise((resolve, reject) => {
    const script = Object.assign(document.createElement("script"), { src: url, onload: resolve });
    script.onerror = () => reject(new DOMException("the fallback decoder could not be fetched", "AbortError"));
    document.head.append(script);
  });
}
