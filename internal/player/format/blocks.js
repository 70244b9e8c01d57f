import { decodeBase64url } from "./base64url.js";
import { Reader } from "./reader.js";
import { BlockError, Refusal } from "./refusal.js";

/** @import { Form } from "./reader.js" */

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

const KEY_LENGTH = 59; // characters

/** @typedef {{secret: Uint8Array<ArrayBuffer>, iv: Uint8Array<ArrayBuffer>}} Key */

/**
 * Reads the key from a listen link.
 * @param {string} text 59 characters of base64url
 * @returns {Key}
 */
export function parseKey(text) {
  const raw = text.length === KEY_LENGTH ? decodeBase64url(text) : null;
  if (!raw) {
    const message = `the key in the link is damaged: ${KEY_LENGTH} characters are expected behind the #`;
    throw new BlockError("WrongKey", { message });
  }
  return { secret: raw.slice(0, 32), iv: raw.slice(32) };
}

/** Opens a sealed file (FORMAT.md) and gives out nothing that is not authenticated. */
export class BlockReader extends Reader {
  /** @param {Key} key */
  constructor(key) {
    super(new Sealed(key));
  }
}

/**
 * The form of encrypted files: blocks of AES-256-GCM.
 * @implements {Form}
 */
class Sealed {
  pageBlocks = false;
  #key;
  /** @type {Promise<CryptoKey> | undefined} */
  #secret;

  /** @param {Key} key */
  constructor(key) {
    this.#key = key;
  }

  /** @param {Uint8Array} start */
  headExtent(start) {
    for (let i = 0; i < MAGIC.length && i < start.length; i++) {
      if (start[i] !== MAGIC[i]) throw new Refusal("NotBlocks", "not an encrypted broadcast (MSC4016 v3)");
    }
    return start.length < MAGIC.length ? MAGIC.length : HEAD_SIZE;
  }

  /** @param {Uint8Array} raw */
  async openHead(raw) {
    const block = raw.subarray(MAGIC.length);
    const header = headerOf(block);
    if (!plausible(header) || header.sequence !== 0 || header.length !== HEAD_PLAINTEXT + TAG_SIZE) {
      throw new Refusal("Malformed", "not a block 0");
    }
    const pages = await this.#unseal(block);
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

  /** @param {Uint8Array} block */
  async open(block) {
    const pages = await this.#unseal(block);
    if (!pages) throw new Refusal("Forged");
    return pages;
  }

  /**
   * Returns the plaintext of a whole block in a buffer of its own, or null. The
   * block's bytes may change while the promise is pending, hence the copy.
   * @param {Uint8Array} block
   */
  async #unseal(block) {
    const sealed = block.slice(HEADER_SIZE);
    const number = block.slice(4, 8); // the sequence number, little-endian
    const nonce = new Uint8Array([...number, ...this.#key.iv]);
    this.#secret ??= crypto.subtle.importKey("raw", this.#key.secret, "AES-GCM", false, ["decrypt"]);
    const secret = await this.#secret;
    try {
      const algorithm = { name: "AES-GCM", iv: nonce, additionalData: number, tagLength: 8 * TAG_SIZE };
      return new Uint8Array(await crypto.subtle.decrypt(algorithm, secret, sealed));
    } catch (error) {
      if (error instanceof Error && error.name === "OperationError") return null; // what a wrong tag is called
      throw error;
    }
  }
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
