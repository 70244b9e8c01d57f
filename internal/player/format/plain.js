import { ZERO_EPOCH } from "./epoch.js";
import { pageSequence, pageSize, parsePage } from "./ogg.js";
import { Reader } from "./reader.js";
import { Refusal } from "./refusal.js";

/** @import { Form, Pages } from "./reader.js" */

/**
 * Reads a file that is not encrypted: an Ogg Opus file, which may grow, in which
 * every page is a block. It finds damage, but without a signer nothing of what it
 * gives out is authenticated. Files of other programs are fine as long as no packet crosses a
 * page's end.
 */
export class PlainReader extends Reader {
  /** @param {Uint8Array<ArrayBuffer> | null} [signer] */
  constructor(signer) {
    super(new BarePages(), signer);
  }
}

/**
 * The form in which a block is its payload: an Ogg page, or in block 0 two of them.
 * @implements {Form}
 */
class BarePages {
  pageBlocks = true;

  /**
   * Measures the two header pages.
   * @param {Uint8Array} start
   */
  headExtent(start) {
    const first = pageSize(start);
    if (first === 0) throw new Refusal("NotBlocks", "not an Ogg Opus file");
    if (first > start.length) return first;
    const second = pageSize(start, first);
    if (second === 0) throw new Refusal("Malformed", "no second header page");
    return first + second;
  }

  /** @param {Pages} raw */
  openHead(raw) {
    return raw;
  }

  /** @param {Uint8Array} start */
  extent(start) {
    return pageSize(start);
  }

  /**
   * The header pages count as one block.
   * @param {Uint8Array} page
   */
  sequence(page) {
    return (pageSequence(page) - 1) >>> 0;
  }

  /** Without a key there is no other. */
  epoch() {
    return ZERO_EPOCH;
  }

  /** @param {Pages} page */
  open(page) {
    parsePage(page); // checks it
    return page;
  }
}
