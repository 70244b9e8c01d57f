import { FRAME, RATE } from "../capture/framer.js";

/** @import { Audio, Encoder } from "./encoder.js" */

const PACKET = 20_000; // µs
const PRE_SKIP = 312; // samples: what libopus has in both applications, for browsers that do not say it

/**
 * The browser's encoder.
 * @implements {Encoder}
 */
export class NativeEncoder {
  preSkip = PRE_SKIP;
  onpacket = (/** @type {Uint8Array<ArrayBuffer>} */ _packet, /** @type {unknown} */ _mark) => {};
  onfailure = (/** @type {unknown} */ _error) => {};
  #encoder;
  #channels;
  #frames = 0;
  /** @type {{mark: unknown}[]} of the frames whose packet is still to come */
  #inside = [];

  /** @param {Audio} audio */
  static async open(audio) {
    const config = configOf(audio);
    const answer = await AudioEncoder.isConfigSupported(config);
    if (!answer.supported) throw new Error("this browser does not encode Opus as the station wants it");
    return new NativeEncoder(config);
  }

  /** @param {AudioEncoderConfig} config */
  constructor(config) {
    this.#channels = config.numberOfChannels;
    this.#encoder = new AudioEncoder({
      output: (chunk, metadata) => this.#handOut(chunk, metadata),
      error: (error) => this.onfailure(error),
    });
    this.#encoder.configure(config);
  }

  /**
   * @param {Float32Array[]} planes
   * @param {unknown} mark
   */
  encode(planes, mark) {
    const data = new Float32Array(FRAME * this.#channels);
    planes.forEach((plane, channel) => {
      data.set(plane, channel * FRAME);
    });
    const sound = new AudioData({
      format: "f32-planar",
      sampleRate: RATE,
      numberOfFrames: FRAME,
      numberOfChannels: this.#channels,
      timestamp: this.#frames++ * PACKET,
      data,
    });
    this.#inside.push({ mark });
    this.#encoder.encode(sound);
    sound.close();
  }

  /**
   * @param {EncodedAudioChunk} chunk
   * @param {EncodedAudioChunkMetadata} [metadata]
   */
  #handOut(chunk, metadata) {
    const head = metadata?.decoderConfig?.description;
    if (head) this.preSkip = preSkipOf(head);
    const frame = this.#inside.shift();
    if (!frame) return; // of the silence with which some browsers fill up at a flush
    const packet = new Uint8Array(chunk.byteLength);
    chunk.copyTo(packet);
    this.onpacket(packet, frame.mark);
  }

  async flush() {
    await this.#encoder.flush();
  }

  close() {
    if (this.#encoder.state !== "closed") this.#encoder.close();
  }
}

/**
 * @param {Audio} audio
 * @returns {AudioEncoderConfig}
 */
function configOf({ channels, bitrate, application, vbr }) {
  return {
    codec: "opus",
    sampleRate: RATE,
    numberOfChannels: channels,
    bitrate,
    bitrateMode: vbr ? "variable" : "constant",
    opus: {
      format: "opus",
      frameDuration: PACKET,
      application,
      signal: application === "voip" ? "voice" : "music",
      usedtx: false,
    },
  };
}

/**
 * Reads an Opus head (RFC 7845, 5.1).
 * @param {AllowSharedBufferSource} head
 */
function preSkipOf(head) {
  const bytes = ArrayBuffer.isView(head) ? new Uint8Array(head.buffer, head.byteOffset) : new Uint8Array(head);
  return bytes.length >= 12 ? bytes[10] | (bytes[11] << 8) : PRE_SKIP;
}
