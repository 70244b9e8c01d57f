import { packetDuration } from "../format/opus.js";

/** @import { Block } from "../format/reader.js" */

/** Packets that wait to be decoded. */
export class PacketQueue {
  /** @type {{packet: Uint8Array, start: number}[]} */
  #packets = [];
  bytes = 0; // of them
  removed = 0; // sample behind the last packet that was removed

  get empty() {
    return this.#packets.length === 0;
  }

  /**
   * Forgets all packets.
   * @param {number} sample at which those to come begin
   */
  reset(sample) {
    this.#packets = [];
    this.bytes = 0;
    this.removed = sample;
  }

  /** @param {Block} block */
  push(block) {
    let start = block.start;
    for (const packet of block.packets) {
      this.#packets.push({ packet, start });
      this.bytes += packet.length;
      start += packetDuration(packet);
    }
  }

  /**
   * Forgets the packets that do not begin before a sample.
   * @param {number} sample
   */
  cut(sample) {
    this.#packets = this.#packets.filter(({ start }) => start < sample);
    this.bytes = this.#packets.reduce((bytes, { packet }) => bytes + packet.length, 0);
  }

  /**
   * Removes packets until one ends at a sample or behind it, or none is left.
   * @param {number} sample
   * @param {(packet: Uint8Array, start: number) => void} use
   */
  removeUntil(sample, use) {
    let done = 0;
    while (done < this.#packets.length && this.removed < sample) {
      const { packet, start } = this.#packets[done++];
      use(packet, start);
      this.bytes -= packet.length;
      this.removed = start + packetDuration(packet);
    }
    this.#packets.splice(0, done);
  }
}
