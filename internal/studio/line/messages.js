// What goes over the line: text messages are JSON with a type, and binary ones carry packets:
//
//	0   4  number of the first packet, little endian
//	4   8  captured: when the last packet ended, ms since 1970 by the station's clock, little endian
//	12     for each packet 2 bytes of length, little endian, and its bytes

export const PROTOCOL = "org.broadcastbot.studio.v1";
/** Codes with which the station closes a line. */
export const TAKEN = 4001; // a newer device has it
export const INVALID = 4003; // the link is not valid, or not any more
export const MISTAKE = 4002; // the page has sent what cannot be recorded
const HEAD = 12; // bytes

/**
 * @typedef {object} Packets consecutive ones
 * @property {number} number of the first
 * @property {number} captured ms
 * @property {Uint8Array[]} packets
 */

/** @param {Packets} message */
export function pack({ number, captured, packets }) {
  const size = packets.reduce((sum, packet) => sum + 2 + packet.length, HEAD);
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, number, true);
  view.setBigUint64(4, BigInt(Math.round(captured)), true);
  let at = HEAD;
  for (const packet of packets) {
    view.setUint16(at, packet.length, true);
    bytes.set(packet, at + 2);
    at += 2 + packet.length;
  }
  return bytes;
}

/**
 * @param {ArrayBuffer} message
 * @returns {Packets}
 */
export function unpack(message) {
  const view = new DataView(message);
  const packets = [];
  for (let at = HEAD; at < message.byteLength; ) {
    const size = view.getUint16(at, true);
    packets.push(new Uint8Array(message, at + 2, size));
    at += 2 + size;
  }
  return { number: view.getUint32(0, true), captured: Number(view.getBigUint64(4, true)), packets };
}

/**
 * What the station knows of the show, said whenever a line begins.
 * @typedef {object} Welcome
 * @property {string} roomName
 * @property {string} speaker
 * @property {string} title
 * @property {import("../encode/encoder.js").Audio} audio
 * @property {"off" | "live" | "ended"} state
 * @property {number} next the packet that the station wants
 * @property {string} [reason] why it is over
 * @property {number} grace seconds that the line may be down
 * @property {number} now ms since 1970
 * @property {string} [show] its id; "" while there is none, and undefined where the station is an older one
 * @property {number} [generation] which of the link's devices this one is
 */

/**
 * Reads a text message; null where a page of this version cannot use it.
 * @param {string} text
 * @returns {{type: string, [field: string]: any} | null}
 */
export function parse(text) {
  try {
    const message = JSON.parse(text);
    return typeof message?.type === "string" ? message : null;
  } catch {
    return null;
  }
}
