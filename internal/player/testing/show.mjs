// Writes whole shows for the tests: the other side of FORMAT.md, as short
// as it can be.

import { createCipheriv, createHash, createPrivateKey, createPublicKey, hkdfSync, sign } from "node:crypto";

const key = { secret: new Uint8Array(32).fill(7), iv: new Uint8Array(12).fill(9) };
const serial = 0x12345678;
const ascii = (text) => Buffer.from(text);

/** What signs the shows, and a key that does not. */
const stationKey = privateKey(1);
export const strangerKey = privateKey(2);
export const signer = new Uint8Array(createPublicKey(stationKey).export({ format: "der", type: "spki" }).subarray(-32));

function privateKey(seed) {
  const prefix = Buffer.from("302e020100300506032b657004220420", "hex"); // RFC 8410, 7
  return createPrivateKey({ key: Buffer.concat([prefix, Buffer.alloc(32, seed)]), format: "der", type: "pkcs8" });
}

/** When the first sample of a signed show is spoken: ms since 1970. */
export const began = 1795425442479;

/** The layouts of a block: what SealedReader and PlainReader read. */
export const sealed = {
  begin: (pages) => Buffer.concat([ascii("MXC\x03"), seal(pages, 0)]),
  block: seal,
  sign: () => [],
};
export const plain = {
  begin: (pages) => pages,
  block: (pages) => pages,
  sign: (sequence) => page({ sequence, granule: -1 }),
};

export const constant = () => 80;
export const varying = (random) => 20 + Math.floor(200 * random());

/**
 * Makes a file of `count` blocks of five packets of 20 ms and an end. size gives
 * the size of the next packet; signs how many signs of life stand before a block, pauses
 * how many ms were not recorded there; resumes says whether the writer was restarted
 * before it. A signed show has checkpoints; signedWith and checkpointBefore make false
 * ones: with another key, or only where that says so.
 *
 * @returns {{key, file: Uint8Array, first: number, blocks: {sequence, offset, size, start, end}[], packets: Uint8Array[]}}
 */
export function makeShow(count, options) {
  const {
    layout = sealed,
    size = constant,
    random,
    signs = () => 0,
    pauses = () => 0,
    resumes = () => false,
  } = options;
  const out = new Writer(layout, options);
  const blocks = [],
    packets = [];
  for (let i = 0; i < count; i++) {
    if (resumes(i)) out.resume(i);
    out.paused += pauses(i);
    for (let n = signs(i); n > 0; n--) out.sign();
    const block = out.sound(Array.from({ length: 5 }, () => packet(size(random), random)));
    packets.push(...block.packets);
    delete block.packets;
    blocks.push(block);
  }
  out.end();
  return { key, file: new Uint8Array(Buffer.concat(out.parts)), first: out.parts[0].length, blocks, packets };
}

class Writer {
  sequence = 1;
  pageNumber = 2;
  sample = 0;
  due = 0;
  paused = 0; // ms
  digest = Buffer.alloc(32);

  constructor(layout, { signed = false, signedWith = stationKey, checkpointBefore = null, title = "Town hall" }) {
    Object.assign(this, { layout, signed, signedWith, checkpointBefore });
    this.parts = [layout.begin(headPages(title))];
    this.offset = this.parts[0].length;
    this.unsigned = [this.parts[0]];
  }

  resume(number) {
    this.epoch = { begin: this.sequence, random: Buffer.alloc(16, number + 1) };
    this.due = 0;
  }

  sound(packets) {
    const block = { sequence: this.sequence, offset: this.offset, start: this.sample, end: this.sample + 4800 };
    const due = this.checkpointBefore?.(this.sample) ?? this.sample >= this.due;
    const pages = this.#page({ granule: block.end, packets }, due);
    if (due) this.due = this.sample + 240_000;
    block.size = this.#append(pages);
    this.sample = block.end;
    return { ...block, packets: packetsIn(pages) };
  }

  sign() {
    const pages = this.layout.sign(this.pageNumber);
    this.#append(pages);
    if (pages.length > 0) this.pageNumber++;
  }

  /** An end without sound, which in a signed show is a silent packet that is not played. */
  end() {
    const silence = { granule: this.sample, packets: [Buffer.from("e0fffe", "hex")] };
    this.#append(this.#page({ flags: 4, ...(this.signed ? silence : { granule: -1 }) }, true));
  }

  #page(options, checkpoint) {
    options.sequence = this.pageNumber++;
    if (!this.signed || !checkpoint) return page(options);
    this.digest = createHash("sha256").update(this.digest).update(Buffer.concat(this.unsigned)).digest();
    this.unsigned = [];
    const time = began + this.paused + options.granule / 48;
    return signedPage(options, { sequence: this.sequence, time, digest: this.digest }, this.signedWith);
  }

  #append(pages) {
    const block = this.layout.block(pages, this.sequence++, this.epoch);
    this.parts.push(block);
    this.unsigned.push(block);
    this.offset += block.length;
    return block.length;
  }
}

/** A page whose first packet has a checkpoint. */
export function signedPage({ packets: [first, ...rest], ...options }, { sequence, time, digest }, key = stationKey) {
  const number = Buffer.alloc(8);
  number.writeBigInt64LE(BigInt(time));
  const claim = [Buffer.from([0xf4, 0x42, 1]), le32(sequence), number, digest, Buffer.alloc(64)];
  const packet = padded(first, Buffer.concat(claim));
  const bytes = page({ ...options, packets: [packet, ...rest] });
  const end = 27 + bytes[26] + packet.length;
  bytes.writeUInt32LE(0, 22);
  sign(null, Buffer.concat([ascii("org.broadcastbot.checkpoint.v1\0"), bytes]), key).copy(bytes, end - 64);
  bytes.writeUInt32LE(oggChecksum(bytes), 22);
  return bytes;
}

/** A packet with a claim at the end of its padding, 113 bytes longer than it was (RFC 6716, 3.2.5). */
export function padded(packet, claim) {
  const code = packet[0] & 3;
  const counts = [0x41, 0x42, 0xc2, packet[1] | 0x40];
  const old = code === 3 && packet[1] & 0x40 ? packet[2] : -1; // lengths of one byte are all that the tests have
  const frames = packet.slice(code < 3 ? 1 : old < 0 ? 2 : 3, packet.length - Math.max(0, old));
  const room = packet.length + 113 - 2 - frames.length; // for the padding and its length
  const lengths = room > 255 ? [255, room - 256] : [room - 1];
  const zeros = Buffer.alloc(room - lengths.length - claim.length);
  return Buffer.concat([Buffer.from([packet[0] | 3, counts[code], ...lengths]), frames, zeros, claim]);
}

function packetsIn(bytes) {
  let at = 27 + bytes[26];
  let start = at;
  const packets = [];
  for (const value of bytes.subarray(27, at)) {
    at += value;
    if (value === 255) continue;
    packets.push(bytes.subarray(start, at));
    start = at;
  }
  return packets;
}

// 20 ms, hybrid, fullband, mono.
function packet(size, random) {
  const bytes = Buffer.alloc(size);
  for (let i = 1; i < size; i++) bytes[i] = 256 * random();
  bytes[0] = 0x78;
  return bytes;
}

function headPages(title) {
  const head = Buffer.from("OpusHead\x01\x01\x38\x01\x80\xbb\x00\x00\x00\x00\x00", "latin1"); // mono, pre-skip 312
  const comments = [
    `KEY_COMMITMENT=${"0".repeat(64)}`,
    `TITLE=${title}`,
    "ARTIST=@alice:example.org",
    "DATE=2026-11-23T09:17:22.479Z",
  ];
  const tags = Buffer.alloc(1024);
  Buffer.concat([ascii("OpusTags"), string("broadcastbot"), le32(comments.length), ...comments.map(string)]).copy(tags);
  return Buffer.concat([
    page({ sequence: 0, granule: 0, flags: 2, packets: [head] }),
    page({ sequence: 1, granule: 0, packets: [tags] }),
  ]);
}

const string = (text) => Buffer.concat([le32(Buffer.byteLength(text)), ascii(text)]);

function le32(n) {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(n >>> 0);
  return bytes;
}

/** An Ogg page (RFC 3533, 6). */
export function page({ sequence, granule, packets = [], flags = 0, lacing = packets.flatMap(lacingOf) }) {
  const header = Buffer.alloc(27);
  header.write("OggS");
  header[5] = flags;
  header.writeBigInt64LE(BigInt(granule), 6);
  header.writeUInt32LE(serial, 14);
  header.writeUInt32LE(sequence, 18);
  header[26] = lacing.length;
  const bytes = Buffer.concat([header, Buffer.from(lacing), ...packets]);
  bytes.writeUInt32LE(oggChecksum(bytes), 22);
  return bytes;
}

const lacingOf = ({ length }) => [...new Array(Math.floor(length / 255)).fill(255), length % 255];

// Bit by bit, to share nothing with ogg.js.
export function oggChecksum(bytes) {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 24;
    for (let bit = 0; bit < 8; bit++) crc = (crc << 1) ^ (crc < 0 ? 0x04c11db7 : 0);
  }
  return crc >>> 0;
}

function seal(pages, sequence, epoch) {
  const number = le32(sequence);
  const { secret, iv, prefix } = epoch ? derived(epoch) : { ...key, prefix: Buffer.alloc(0) };
  const cipher = createCipheriv("aes-256-gcm", secret, Buffer.concat([number, iv]));
  cipher.setAAD(number);
  const body = Buffer.concat([prefix, cipher.update(Buffer.from(pages)), cipher.final(), cipher.getAuthTag()]);
  return Buffer.concat([le32(0xffffffff), number, le32(body.length), le32(0), body]); // the checksum is optional
}

/** The key of an epoch, and what stands before its ciphertexts. */
function derived({ begin, random }) {
  const salt = Buffer.concat([le32(begin), random]);
  const file = Buffer.concat([key.secret, key.iv]);
  const bytes = Buffer.from(hkdfSync("sha256", file, salt, "org.broadcastbot.epoch.v1", 44));
  return { secret: bytes.subarray(0, 32), iv: bytes.subarray(32), prefix: Buffer.concat([ascii("MXCEPOCH"), salt]) };
}

/** What stands behind the # of the link to a show. */
export function fragment({ signed = true, layout = sealed, more = "" } = {}) {
  const parts = [layout === plain ? "" : Buffer.concat([key.secret, key.iv]).toString("base64url")];
  if (signed) parts.push(`signer=${Buffer.from(signer).toString("base64url")}`);
  if (more) parts.push(more);
  return parts.filter(Boolean).join("&");
}
