/**
 * A packet of 20 ms of silence (RFC 6716: CELT in full band, a frame that codes nothing).
 * @param {number} channels
 */
export const silentPacket = (channels) => Uint8Array.of(channels === 1 ? 0xf8 : 0xfc, 0xff, 0xfe);
