import { packetsOf, parsePage } from "./ogg.js";
import { packetDuration } from "./opus.js";
import { Refusal } from "./refusal.js";

// The granule position of a page on which no packet ends (RFC 3533, 6): of an
// end without sound.
const noPacketEnds = -1;

/**
 * Pager reads the pages of one block after the other and checks that they go on
 * where the block before ended.
 */
export class Pager {
  serial = 0;
  sequence = 2; // of the next page: behind the two header pages
  granule = 0; // samples at 48 kHz up to here, pre-skip included

  /**
   * mayBeEmpty: a page without packets need not be the last. In a plain file it
   * is a sign of life.
   */
  constructor(mayBeEmpty) { this.mayBeEmpty = mayBeEmpty; }

  /**
   * parse returns the packets of whole pages, as views of them, where they
   * start, and whether they are the last. anchored says that the pager's counts
   * have to be continued; otherwise, in the first block after a jump, they are
   * taken from the block itself.
   */
  parse(pages, anchored) {
    const packets = [];
    let start = this.granule, last = false;
    for (let at = 0; at < pages.length;) {
      const { page, size } = parsePage(pages, at) ?? refuse("Malformed", "the Ogg page is cut off");
      at += size;
      if (last || page.first || page.continued || page.serial !== this.serial) {
        refuse("Malformed", "a page that does not belong here");
      }
      const samples = this.#take(packets, page);
      if (page.granule === noPacketEnds) page.granule = this.granule;
      if (!anchored) {
        this.#anchor(page, samples);
        [start, anchored] = [this.granule, true];
      }
      this.#follow(page, samples);
      last = page.last;
    }
    return { packets, start, last };
  }

  /** Takes over the packets of a page and returns how many samples they last. */
  #take(packets, page) {
    const found = packetsOf(page);
    const empty = found.packets.length === 0;
    if (!found.whole || empty !== (page.granule === noPacketEnds) || (empty && !page.last && !this.mayBeEmpty)) {
      refuse("Malformed", "a page without whole packets");
    }
    packets.push(...found.packets);
    return found.packets.reduce((samples, packet) => samples + packetDuration(packet), 0);
  }

  /**
   * Takes the counts before a page from the page. The last page may end earlier
   * than its packets; its start is then only known to those who have read the
   * page before.
   */
  #anchor(page, samples) {
    this.sequence = page.sequence;
    this.granule = page.granule - samples;
    if (page.last) this.granule = Math.max(this.granule, 0);
  }

  /** Checks that a page continues the counts, and counts it. */
  #follow(page, samples) {
    if (page.sequence !== this.sequence) {
      refuse("Order", `page ${page.sequence} where page ${this.sequence} belongs`);
    }
    const end = this.granule + samples;
    const trimmed = page.last && this.granule <= page.granule && page.granule < end;
    if ((page.granule !== end && !trimmed) || this.granule < 0) {
      refuse("Malformed", `the time jumps to sample ${page.granule}, not ${end}`);
    }
    this.granule = page.granule;
    this.sequence = (this.sequence + 1) >>> 0;
  }
}

function refuse(code, message) { throw new Refusal(code, message); }
