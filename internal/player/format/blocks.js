import { decodeBase64url } from "./base64url.js";
import { Reader } from "./reader.js";
import { BlockError, Refusal } from "./refusal.js";

export { BlockError };

const magic = [0x4d, 0x58, 0x43, 3]; // "MXC" 3
const marker = 0xffffffff;
const headerSize = 16, tagSize = 16, maxBlockSize = 1 << 20; // bytes

// Block 0 has one size, and its commitment a fixed place: FORMAT.md, "Payload".
const headPlaintext = 1103;
const commitmentStart = 126, commitmentSize = 64;
const headSize = magic.length + headerSize + headPlaintext + tagSize;

/** parseFragment reads the key from a listen link: 59 characters behind the #. */
export function parseFragment(text) {
  const raw = text.length === 59 ? decodeBase64url(text) : null;
  if (!raw) throw new BlockError("WrongKey", { message: "the key in the link is damaged: 59 characters are expected behind the #" });
  return { secret: raw.slice(0, 32), iv: raw.slice(32) };
}

/** BlockReader opens a sealed file (FORMAT.md) and gives out nothing unproved. */
export class BlockReader extends Reader {
  constructor(key) { super(new Sealed(key)); }
}

/** Sealed is the envelope of a file of AES-256-GCM blocks. */
class Sealed {
  pageBlocks = false;
  #key;
  #secret; // a promise of the imported key

  constructor(key) { this.#key = key; }

  headExtent(start) {
    for (let i = 0; i < magic.length && i < start.length; i++) {
      if (start[i] !== magic[i]) throw new Refusal("NotBlocks", "not an encrypted broadcast (MSC4016 v3)");
    }
    return start.length < magic.length ? magic.length : headSize;
  }

  async openHead(raw) {
    const block = raw.subarray(magic.length);
    const header = headerOf(block);
    if (!plausible(header) || header.sequence !== 0 || header.length !== headPlaintext + tagSize) {
      throw new Refusal("Malformed", "not a block 0");
    }
    const pages = await this.#unseal(block);
    if (!pages) throw new Refusal("WrongKey");
    if (!commits(pages)) throw new Refusal("WrongKey", "block 0 does not commit to the key");
    return pages;
  }

  extent(start) {
    if (start.length < headerSize) return headerSize;
    const header = headerOf(start);
    return plausible(header) ? headerSize + header.length : 0;
  }

  sequence(block) { return headerOf(block).sequence; }

  async open(block) {
    const pages = await this.#unseal(block);
    if (!pages) throw new Refusal("Forged");
    return pages;
  }

  isSign(pages) { return pages.length === 0; }

  /**
   * Returns the plaintext of a whole block in a buffer of its own, or null. The
   * block's bytes may change while the promise is pending, hence the copy.
   */
  async #unseal(block) {
    const sealed = block.slice(headerSize);
    const number = block.slice(4, 8); // the sequence number, little-endian
    const nonce = new Uint8Array([...number, ...this.#key.iv]);
    this.#secret ??= crypto.subtle.importKey("raw", this.#key.secret, "AES-GCM", false, ["decrypt"]);
    const secret = await this.#secret;
    try {
      const algorithm = { name: "AES-GCM", iv: nonce, additionalData: number, tagLength: 8 * tagSize };
      return new Uint8Array(await crypto.subtle.decrypt(algorithm, secret, sealed));
    } catch (error) {
      if (error.name === "OperationError") return null; // what a wrong tag is called
      throw error;
    }
  }
}

/**
 * headerOf reads the part of a block that everybody can. The checksum in it is
 * for those without the key; it is no reason to refuse what the tag accepts.
 */
function headerOf(block) {
  const view = new DataView(block.buffer, block.byteOffset, headerSize);
  return { marker: view.getUint32(0, true), sequence: view.getUint32(4, true), length: view.getUint32(8, true) };
}

// plausible: a marker occurs in ciphertext too; the length makes that rarer.
const plausible = (header) => header.marker === marker
  && header.length >= tagSize && header.length <= maxBlockSize - headerSize;

/** commits reports whether the plaintext of a block 0 commits to its key. */
function commits(plaintext) {
  return plaintext.length === headPlaintext
    && plaintext.subarray(commitmentStart, commitmentStart + commitmentSize).every((byte) => byte === 0x30);
}
