import { packetsOf, parsePage } from "./ogg.js";
import { packetDuration } from "./opus.js";
import { Refusal } from "./refusal.js";

/** @import { Page } from "./ogg.js" */

// The granule position of a page on which no packet ends (RFC 3533, 6): of an
// end without sound, and of a sign of life in a plain file.
const NO_PACKET_ENDS = -1;

const FIRST_PAGE = 2; // behind the two header pages

/**
 * Reads the pages of one block after the other and checks that they go on where
 * the block before ended.
 */
export class PageReader {
  serial = 0;
  sequence = FIRST_PAGE; // of the next page
  granule = 0; // samples at 48 kHz up to here, pre-skip included
  #pageBlocks;

  /**
   * @param {boolean} pageBlocks every page is a block; one without packets that is not the last is a sign of life
   */
  constructor(pageBlocks) {
    this.#pageBlocks = pageBlocks;
  }

  /** Goes back to the place behind the two header pages. */
  begin() {
    [this.sequence, this.granule] = [FIRST_PAGE, 0];
  }

  /**
   * Returns the packets of whole pages, as views of them, where they start, and
   * whether they are the last.
   * @param {Uint8Array} pages
   * @param {boolean} anchored the pages have to continue the counts; otherwise, in the first block after a jump, the
   *   counts are those of the pages
   */
  parse(pages, anchored) {
    /** @type {Uint8Array[]} */
    const packets = [];
    let start = this.granule;
    let last = false;
    for (let at = 0; at < pages.length; ) {
      const parsed = parsePage(pages, at);
      if (!parsed) throw malformed("the Ogg page is cut off");
      const { page, size } = parsed;
      at += size;
      if (last || page.first || page.continued || page.serial !== this.serial) {
        throw malformed("a page that does not belong here");
      }
      const samples = this.#addPackets(packets, page);
      if (page.granule === NO_PACKET_ENDS) page.granule = this.granule;
      if (!anchored) {
        this.#anchor(page, samples);
        [start, anchored] = [this.granule, true];
      }
      this.#continue(page, samples);
      last = page.last;
    }
    return { packets, start, last };
  }

  /**
   * Adds the packets of a page and returns how many samples they last.
   * @param {Uint8Array[]} packets
   * @param {Page} page
   */
  #addPackets(packets, page) {
    const found = packetsOf(page);
    const empty = found.packets.length === 0;
    const endless = page.granule === NO_PACKET_ENDS;
    if (!found.whole || empty !== endless || (empty && !page.last && !this.#pageBlocks)) {
      throw malformed("a page without whole packets");
    }
    packets.push(...found.packets);
    return found.packets.reduce((samples, packet) => samples + packetDuration(packet), 0);
  }

  /**
   * Takes the counts before a page from the page. The last page may end earlier
   * than its packets; its start is then only known to those who have read the
   * page before.
   * @param {Page} page
   * @param {number} samples
   */
  #anchor(page, samples) {
    this.sequence = page.sequence;
    this.granule = page.granule - samples;
    if (page.last) this.granule = Math.max(this.granule, 0);
  }

  /**
   * Checks that a page continues the counts, and counts it.
   * @param {Page} page
   * @param {number} samples
   */
  #continue(page, samples) {
    if (page.sequence !== this.sequence) {
      throw new Refusal("Order", `page ${page.sequence} where page ${this.sequence} belongs`);
    }
    const end = this.granule + samples;
    const trimmed = page.last && this.granule <= page.granule && page.granule < end;
    if ((page.granule !== end && !trimmed) || this.granule < 0) {
      throw malformed(`the time jumps to sample ${page.granule}, not ${end}`);
    }
    this.granule = page.granule;
    this.sequence = (this.sequence + 1) >>> 0;
  }
}

/**
 * Whether a block is a sign of life.
 * @param {{packets: Uint8Array[], last: boolean}} block
 */
export const isSign = ({ packets, last }) => packets.length === 0 && !last;

/** @param {string} why */
const malformed = (why) => new Refusal("Malformed", why);
