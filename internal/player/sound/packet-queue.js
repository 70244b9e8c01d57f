import { packetDuration } from "../format/opus.js";

/** @import { Block } from "../format/reader.js" */

/** Packets that wait to be decoded. */
export class PacketQueue {
  /** @type {{packet: Uint8Array, start: number}[]} */
  #packets = [];

  get empty() {
    return this.#packets.length === 0;
  }

  clear() {
    this.#packets = [];
  }

  /** @param {Block} block */
  push(block) {
    let start = block.start;
    for (const packet of block.packets) {
      this.#packets.push({ packet, start });
      start += packetDuration(packet);
    }
  }

  /**
   * Removes packets until one ends at a sample or behind it, or none is left.
   * Returns where the last one ends.
   * @param {number} from where the packets before ended
   * @param {number} to
   * @param {(packet: Uint8Array, start: number) => void} use
   */
  removeUntil(from, to, use) {
    let done = 0;
    while (done < this.#packets.length && from < to) {
      const { packet, start } = this.#packets[done++];
      use(packet, start);
      from = start + packetDuration(packet);
    }
    this.#packets.splice(0, done);
    return from;
  }
}
