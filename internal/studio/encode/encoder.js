// Sound to Opus packets: by the browser (WebCodecs) or, where it cannot, by libopus in WebAssembly,
// which is fetched only then.

import { FRAME } from "../capture/framer.js";
import { NativeEncoder } from "./native.js";
import { WasmEncoder } from "./wasm.js";

/**
 * How the station wants its packets.
 * @typedef {object} Audio
 * @property {number} channels 1 or 2
 * @property {number} bitrate bits a second
 * @property {string} application "voip" or "audio"
 * @property {boolean} vbr packets may have different sizes
 */

/**
 * Every frame becomes one packet, in order. What was said of the frame comes back with its packet.
 * @typedef {object} Encoder
 * @property {number} preSkip samples that decoders leave out at the beginning (RFC 7845, 4.2)
 * @property {(packet: Uint8Array<ArrayBuffer>, mark: unknown) => void} onpacket
 * @property {(error: unknown) => void} onfailure no packet comes any more
 * @property {(planes: Float32Array[], mark: unknown) => void} encode
 * @property {() => Promise<void>} flush resolves when all packets have been given
 * @property {() => void} close
 */

/**
 * @typedef {object} Codec
 * @property {(audio: Audio) => Promise<Encoder>} open rejects where the browser lacks it
 */

const TRIAL = 10; // frames

/**
 * Opens the first encoder that keeps to what the station wants.
 * @param {Audio} audio
 * @param {Codec[]} codecs
 */
export async function openEncoder(audio, codecs = [NativeEncoder, WasmEncoder]) {
  /** @type {unknown} */
  let refusal;
  for (const codec of codecs) {
    try {
      const tried = await codec.open(audio);
      await tryOut(tried, audio);
      const encoder = await codec.open(audio); // one that remembers nothing of the trial
      encoder.preSkip = tried.preSkip; // which some say with their first packet only
      return encoder;
    } catch (error) {
      refusal = error;
    }
  }
  throw refusal;
}

/** @param {Audio} audio */
export const slotOf = ({ bitrate }) => Math.floor((bitrate * 20) / 8000);

/**
 * Encodes noise and silence in turn: some browsers take the wish for packets of one size, and do not
 * fulfil it.
 * @param {Encoder} encoder
 * @param {Audio} audio
 */
async function tryOut(encoder, audio) {
  /** @type {number[]} */
  const sizes = [];
  encoder.onpacket = (packet) => sizes.push(packet.length);
  for (let n = 0; n < TRIAL; n++) encoder.encode(n % 4 < 2 ? noise(audio.channels) : silence(audio.channels), 0);
  await encoder.flush();
  encoder.close();
  if (sizes.length < TRIAL) throw new Error("this browser's encoder does not make 20 ms packets");
  if (audio.vbr) return;
  if (Math.max(...sizes) > slotOf(audio)) throw new Error("this browser's encoder makes packets too large");
  if (Math.max(...sizes) > Math.min(...sizes)) throw new Error("this browser's encoder makes packets of many sizes");
}

/** @param {number} channels */
const silence = (channels) => Array.from({ length: channels }, () => new Float32Array(FRAME));

/** @param {number} channels */
const noise = (channels) => silence(channels).map((plane) => plane.map(() => Math.random() - 0.5));
