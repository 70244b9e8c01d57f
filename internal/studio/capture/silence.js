/**
 * A packet of 20 ms of silence (RFC 6716: CELT in full band, a frame that codes nothing).
 * @param {number} channels
 */
export const silentPacket = (channels) => Uint8Array.of(channels === 1 ? 0xf8 : 0xfc, 0xff, 0xfe);

const PACKET = 20; // ms

/**
 * Silence in place of packets that are missing.
 * @param {number} count of them
 * @param {number} captured ms, of the packet behind them; 0: not known, the station takes the time of before
 * @param {number} channels
 */
export function silenceBefore(count, captured, channels) {
  const packet = silentPacket(channels);
  return Array.from({ length: count }, (_, i) => ({
    packet,
    captured: Math.max(0, captured - PACKET * (count - i)),
  }));
}
