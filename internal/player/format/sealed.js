import { deriveKey, epochOf, PREFIX_SIZE, sameEpoch, ZERO_EPOCH } from "./epoch.js";
import { Reader } from "./reader.js";
import { Refusal } from "./refusal.js";

/** @import { Epoch } from "./epoch.js" */
/** @import { Key } from "./link.js" */
/** @import { Form, Pages } from "./reader.js" */

const MAGIC = [0x4d, 0x58, 0x43, 3]; // "MXC" 3
const MARKER = 0xffffffff;
const HEADER_SIZE = 16; // bytes, like all sizes here
const TAG_SIZE = 16;
const MAX_BLOCK_SIZE = 1 << 20;

// Block 0 has one size, and its commitment a fixed place: FORMAT.md, "Payload".
const HEAD_PLAINTEXT = 1103;
const COMMITMENT_START = 126;
const COMMITMENT_SIZE = 64;
const HEAD_SIZE = MAGIC.length + HEADER_SIZE + HEAD_PLAINTEXT + TAG_SIZE;

/** Opens a sealed file (FORMAT.md) and gives out nothing that is not authenticated. */
export class SealedReader extends Reader {
  /**
   * @param {Key} key
   * @param {Uint8Array<ArrayBuffer> | null} [signer]
   */
  constructor(key, signer) {
    super(new Sealed(key), signer);
  }
}

/**
 * The form of encrypted files: blocks of AES-256-GCM.
 * @implements {Form}
 */
class Sealed {
  pageBlocks = false;
  #key;
  #epoch = ZERO_EPOCH; // which the opener is for
  /** @type {Promise<Opener> | undefined} */
  #opener;

  /** @param {Key} key */
  constructor(key) {
    this.#key = key;
  }

  /** @param {Uint8Array} start */
  headExtent(start) {
    for (let i = 0; i < MAGIC.length && i < start.length; i++) {
      if (start[i] !== MAGIC[i]) throw new Refusal("NotBlocks", "not an encrypted show (MSC4016 v3)");
    }
    return start.length < MAGIC.length ? MAGIC.length : HEAD_SIZE;
  }

  /** @param {Pages} raw */
  async openHead(raw) {
    const block = raw.subarray(MAGIC.length);
    const header = headerOf(block);
    if (!plausible(header) || header.sequence !== 0 || header.length !== HEAD_PLAINTEXT + TAG_SIZE) {
      throw new Refusal("Malformed", "not a block 0");
    }
    const pages = await this.#unseal(block, ZERO_EPOCH);
    if (!pages) throw new Refusal("WrongKey");
    if (!commits(pages)) throw new Refusal("WrongKey", "block 0 does not commit to the key");
    return pages;
  }

  /** @param {Uint8Array} start */
  extent(start) {
    if (start.length < HEADER_SIZE) return HEADER_SIZE;
    const header = headerOf(start);
    return plausible(header) ? HEADER_SIZE + header.length : 0;
  }

  /** @param {Uint8Array} block */
  sequence(block) {
    return headerOf(block).sequence;
  }

  /**
   * The epoch of a block that is not block 0.
   * @param {Uint8Array} block
   */
  epoch(block) {
    return epochOf(block.subarray(HEADER_SIZE), TAG_SIZE);
  }

  /** @param {Pages} block */
  async open(block) {
    const pages = await this.#unseal(block, this.epoch(block));
    if (!pages) throw new Refusal("Forged");
    return pages;
  }

  /**
   * Returns the plaintext of a whole block, or null.
   * @param {Pages} block
   * @param {Epoch} epoch
   */
  async #unseal(block, epoch) {
    const sealed = block.subarray(HEADER_SIZE + (epoch === ZERO_EPOCH ? 0 : PREFIX_SIZE));
    const number = block.slice(4, 8); // the sequence number, little-endian
    const { secret, iv } = await this.#openerOf(epoch);
    try {
      const nonce = new Uint8Array([...number, ...iv]);
      const algorithm = { name: "AES-GCM", iv: nonce, additionalData: number, tagLength: 8 * TAG_SIZE };
      return new Uint8Array(await crypto.subtle.decrypt(algorithm, secret, sealed));
    } catch (error) {
      if (error instanceof Error && error.name === "OperationError") return null; // what a wrong tag is called
      throw error;
    }
  }

  /** @param {Epoch} epoch */
  #openerOf(epoch) {
    if (!this.#opener || !sameEpoch(epoch, this.#epoch)) {
      this.#epoch = epoch;
      this.#opener = openerOf(this.#key, epoch);
    }
    return this.#opener;
  }
}

/**
 * What opens the blocks of an epoch.
 * @typedef {{secret: CryptoKey, iv: Uint8Array}} Opener
 */

/**
 * @param {Key} key of the file
 * @param {Epoch} epoch
 * @returns {Promise<Opener>}
 */
async function openerOf(key, epoch) {
  const { secret, iv } = await deriveKey(key, epoch);
  return { secret: await crypto.subtle.importKey("raw", secret, "AES-GCM", false, ["decrypt"]), iv };
}

/** @typedef {{marker: number, sequence: number, length: number}} Header */

/**
 * Reads the part of a block that everybody can. The checksum in it is for those
 * without the key; it is no reason to refuse what the tag accepts.
 * @param {Uint8Array} block
 * @returns {Header}
 */
function headerOf(block) {
  const view = new DataView(block.buffer, block.byteOffset, HEADER_SIZE);
  return { marker: view.getUint32(0, true), sequence: view.getUint32(4, true), length: view.getUint32(8, true) };
}

/**
 * A marker occurs in ciphertext, too; the length makes that rarer.
 * @param {Header} header
 */
function plausible({ marker, length }) {
  return marker === MARKER && length >= TAG_SIZE && length <= MAX_BLOCK_SIZE - HEADER_SIZE;
}

/**
 * Whether the plaintext of a block 0 commits to its key.
 * @param {Uint8Array} plaintext
 */
function commits(plaintext) {
  return (
    plaintext.length === HEAD_PLAINTEXT &&
    plaintext.subarray(COMMITMENT_START, COMMITMENT_START + COMMITMENT_SIZE).every((byte) => byte === 0x30)
  );
}
