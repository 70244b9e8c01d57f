import { Refusal } from "./refusal.js";

export const RATE = 48000; // samples in a second of any Opus stream
const LONGEST_PACKET = 5760; // samples: 120 ms (RFC 6716, 3.2.5)

/**
 * How many samples per channel a packet decodes to at 48 kHz (RFC 6716, 3.1 and
 * 3.2). Reads the first two bytes only, so what it accepts may still be
 * undecodable.
 * @param {Uint8Array} packet
 */
export function packetDuration(packet) {
  const samples = frameCount(packet) * frameDuration(packet[0] >> 3);
  if (samples > LONGEST_PACKET) throw notOpus(`it lasts ${samples / 48} ms, more than 120`);
  return samples;
}

/**
 * What decoders skip at the end of a packet (RFC 6716, 3.2.5), as a view; null
 * where there is none.
 * @param {Uint8Array} packet
 */
export function padding(packet) {
  if (packet.length < 3 || (packet[0] & 3) !== 3 || (packet[1] & 0x40) === 0) return null;
  let at = 2;
  let size = 0;
  for (; packet[at] === 255; at++) size += 254;
  size += packet[at++] ?? Infinity;
  return at + size <= packet.length ? packet.subarray(packet.length - size) : null;
}

/** @param {Uint8Array} packet */
function frameCount(packet) {
  if (packet.length === 0) throw notOpus("it is empty");
  switch (packet[0] & 3) {
    case 0:
      return 1;
    case 1:
    case 2:
      return 2;
  }
  if (packet.length < 2) throw notOpus("its frame count is missing");
  const frames = packet[1] & 0x3f;
  if (frames === 0) throw notOpus("it has no frames");
  return frames;
}

/**
 * The samples of one frame (RFC 6716, table 2).
 * @param {number} config 0 to 31
 */
function frameDuration(config) {
  if (config < 12) return [480, 960, 1920, 2880][config & 3]; // SILK: 10, 20, 40, 60 ms
  if (config < 16) return 480 << (config & 1); // hybrid: 10, 20 ms
  return 120 << (config & 3); // CELT: 2.5, 5, 10, 20 ms
}

/** @param {string} why */
const notOpus = (why) => new Refusal("Malformed", `not an Opus packet: ${why}`);
