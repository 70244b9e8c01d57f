import { Refusal } from "./refusal.js";

const longestPacket = 5760; // samples: 120 ms (RFC 6716, 3.2.5)

/**
 * packetDuration returns how many samples per channel a packet decodes to at
 * 48 kHz (RFC 6716 3.1, 3.2). It reads the first two bytes only, so what it
 * accepts may still be undecodable.
 */
export function packetDuration(packet) {
  const samples = frameCount(packet) * frameDuration(packet[0] >> 3);
  if (samples > longestPacket) throw notOpus(`it lasts ${samples / 48} ms, more than 120`);
  return samples;
}

function frameCount(packet) {
  if (packet.length === 0) throw notOpus("it is empty");
  switch (packet[0] & 3) {
    case 0: return 1;
    case 1: case 2: return 2;
  }
  if (packet.length < 2) throw notOpus("its frame count is missing");
  const frames = packet[1] & 0x3f;
  if (frames === 0) throw notOpus("it has no frames");
  return frames;
}

/**
 * frameDuration returns the samples of one frame of a configuration, 0 to 31
 * (RFC 6716, table 2).
 */
function frameDuration(config) {
  if (config < 12) return [480, 960, 1920, 2880][config & 3]; // SILK: 10, 20, 40, 60 ms
  if (config < 16) return 480 << (config & 1); // hybrid: 10, 20 ms
  return 120 << (config & 3); // CELT: 2.5, 5, 10, 20 ms
}

const notOpus = (why) => new Refusal("Malformed", `not an Opus packet: ${why}`);
