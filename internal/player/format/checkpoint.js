// Checkpoints: what the station signs every five seconds. FORMAT.md, "Checkpoints".

import { packetsOf, parsePage } from "./ogg.js";
import { padding } from "./opus.js";
import { isSign } from "./page-reader.js";
import { Refusal } from "./refusal.js";
import { Sha256 } from "./sha256.js";
import { importSigner } from "./signature.js";

/** @import { Block, Pages } from "./reader.js" */
/** @import { Verify } from "./signature.js" */

/** From the beginning of a block with a checkpoint to that of the next, at most, in samples: 5 s. */
export const CHECKPOINT_INTERVAL = 240_000;

/** What a block without a checkpoint may last, in samples: 2 s. */
export const MAX_UNPROVEN = 96_000;

const HEAD = [0xf4, 0x42, 1]; // an extension of Opus that reaches to the end of the padding, "B", version 1
const SEQUENCE_AT = 3;
const TIME_AT = 7;
const DIGEST_AT = 15;
const SIGNATURE_AT = 47;
const SIZE = 111;
const GROWTH = 113; // bytes by which it makes its packet longer
const CHECKSUM_AT = 22; // in the first page
const DOMAIN = new TextEncoder().encode("org.broadcastbot.checkpoint.v1\0");

/**
 * A checkpoint that has been proven.
 * @typedef {object} Checkpoint
 * @property {number} sequence of its block
 * @property {number} start the sample where its block begins
 * @property {number} sample where it ends
 * @property {number} time ms since 1970, when that was captured
 */

/**
 * What a checkpoint says.
 * @typedef {object} Claim
 * @property {number} sequence
 * @property {number} time
 * @property {Uint8Array} digest
 * @property {Uint8Array<ArrayBuffer>} signature
 */

/**
 * Reads the checkpoint of a block from its first packet; null where there is none.
 * @param {Uint8Array | undefined} packet
 * @returns {Claim | null}
 */
export function readClaim(packet) {
  const bytes = packet && padding(packet)?.subarray(-SIZE);
  if (bytes?.length !== SIZE || HEAD.some((byte, i) => bytes[i] !== byte)) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, SIZE);
  return {
    sequence: view.getUint32(SEQUENCE_AT, true),
    time: Number(view.getBigInt64(TIME_AT, true)),
    digest: bytes.slice(DIGEST_AT, SIGNATURE_AT),
    signature: bytes.slice(SIGNATURE_AT),
  };
}

/**
 * How many bytes a block has only because of its checkpoint: those of the packet,
 * and a lacing value more where that needs one.
 * @param {Pick<Block, "claim" | "packets">} block
 */
export function growthOf({ claim, packets }) {
  if (!claim) return 0;
  const [{ length }] = packets;
  return GROWTH + Math.floor(length / 255) - Math.floor((length - GROWTH) / 255);
}

/** Verifies that the blocks of a file are those which the station signed, in their order. */
export class Verifier {
  /** @type {Checkpoint | null} the last one that was proven since the last jump */
  last = null;
  headProven = false; // what block 0 says is signed, too
  #paused = false; // there was a sign of life since the last checkpoint
  #signer;
  /** @type {Promise<Verify> | null} */
  #imported = null;
  /** @type {Sha256 | null} of the bytes since the last checkpoint; null until the first one after a jump */
  #chain = null;
  #fromHead = false; // the chain has all of the file
  /** @type {number | null} the sample from which on a block has to have a checkpoint; null before there is one */
  #due = null;

  /** @param {Uint8Array<ArrayBuffer>} signer */
  constructor(signer) {
    this.#signer = signer;
  }

  /**
   * Blocks come in order from the first on.
   * @param {Uint8Array} head the bytes of the file before it
   */
  begin(head) {
    this.#chain = chainFrom(new Uint8Array(32)).update(head);
    this.#fromHead = true;
    this.#due = 0;
    this.last = null;
  }

  /** Blocks come from somewhere else. */
  jump() {
    this.#chain = this.#due = this.last = null;
    this.#fromHead = false;
  }

  /**
   * Whether the checkpoint in the pages of a block holds, as far as the blocks
   * before it are known; null where there is none. It changes nothing.
   * @param {number} sequence
   * @param {Pages} pages
   */
  async check(sequence, pages) {
    const packet = firstPacket(pages);
    const claim = readClaim(packet);
    if (!packet || !claim) return null;
    if (claim.sequence !== sequence) return false;
    const digest = this.#chain?.digest() ?? claim.digest;
    if (digest.some((byte, i) => byte !== claim.digest[i])) return false;
    const end = packet.byteOffset - pages.byteOffset + packet.length;
    return (await this.#importedSigner())(claim.signature, signedPart(pages, end));
  }

  #importedSigner() {
    return (this.#imported ??= importSigner(this.#signer).catch((error) => {
      this.#imported = null; // it could not be fetched: the next block tries again
      throw error;
    }));
  }

  /**
   * Goes on behind a block, which has to have a checkpoint where one is due. Returns the
   * checkpoint from which the time is counted at which it was captured: there is none behind a
   * sign of life until the next, because nobody says how long the pause was.
   * @param {Block} block
   * @param {boolean | null} holds what check said of it
   * @param {boolean} begins the block begins an epoch
   */
  add(block, holds, begins) {
    const { packets, start, end, last, claim, raw, sequence } = block;
    const sound = packets.length > 0;
    if (sound) this.#due ??= start + CHECKPOINT_INTERVAL;
    if (begins) this.#due = 0;
    const due = last || (sound && (start >= (this.#due ?? 0) || end - start > MAX_UNPROVEN));
    if (holds === false || (due && !holds)) throw new Refusal("Checkpoint");
    if (claim && holds) {
      this.headProven ||= this.#fromHead;
      this.last = { sequence, start, sample: end, time: claim.time };
      this.#paused = false;
      this.#chain = chainFrom(claim.digest);
      this.#due = start + CHECKPOINT_INTERVAL;
    }
    this.#paused ||= isSign(block);
    this.#chain?.update(raw);
    return this.#paused ? null : this.last;
  }
}

/** @param {Uint8Array} digest of the checkpoint before */
const chainFrom = (digest) => new Sha256().update(digest);

/** @param {Pages} pages */
function firstPacket(pages) {
  try {
    const first = parsePage(pages);
    return first ? packetsOf(first.page).packets[0] : undefined;
  } catch (error) {
    if (error instanceof Refusal) return undefined; // whoever reads the pages says so
    throw error;
  }
}

/**
 * What a signature is over: the pages, without what depends on it.
 * @param {Pages} pages
 * @param {number} end of the signature in them
 */
function signedPart(pages, end) {
  const message = new Uint8Array([...DOMAIN, ...pages]);
  const checksum = DOMAIN.length + CHECKSUM_AT;
  message.fill(0, checksum, checksum + 4);
  message.fill(0, DOMAIN.length + end - 64, DOMAIN.length + end);
  return message;
}
