// Writes whole broadcasts for the tests: the other side of FORMAT.md, as short
// as it can be.

import { createCipheriv } from "node:crypto";

const key = { secret: new Uint8Array(32).fill(7), iv: new Uint8Array(12).fill(9) };
const serial = 0x12345678;
const ascii = (text) => Buffer.from(text);

/** The layouts of a block: what BlockReader and PlainReader read. */
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
 * Makes a file of `count` blocks of five packets of 20 ms and an end without
 * sound. size gives the size of the next packet; signs how many signs of life
 * stand before a block.
 *
 * @returns {{key, file: Uint8Array, first: number, blocks: {sequence, offset, size, start, end}[], packets: Uint8Array[]}}
 */
export function makeShow(count, { layout = sealed, size = constant, random, signs = () => 0 }) {
  const parts = [layout.begin(headPages())];
  const first = parts[0].length;
  let offset = first,
    sequence = 1,
    pageNumber = 2,
    start = 0;
  const append = (pages) => {
    const block = layout.block(pages, sequence++);
    parts.push(block);
    offset += block.length;
    return block.length;
  };
  const blocks = [],
    packets = [];
  for (let i = 0; i < count; i++) {
    for (let n = signs(i); n > 0; n--) {
      const pages = layout.sign(pageNumber);
      append(pages);
      if (pages.length > 0) pageNumber++;
    }
    const some = Array.from({ length: 5 }, () => packet(size(random), random));
    const block = { sequence, offset, start, end: start + 4800 };
    block.size = append(page({ sequence: pageNumber++, granule: block.end, packets: some }));
    blocks.push(block);
    packets.push(...some);
    start = block.end;
  }
  append(page({ sequence: pageNumber, granule: -1, flags: 4 }));
  return { key, file: new Uint8Array(Buffer.concat(parts)), first, blocks, packets };
}

// 20 ms, hybrid, fullband, mono.
function packet(size, random) {
  const bytes = Buffer.alloc(size);
  for (let i = 1; i < size; i++) bytes[i] = 256 * random();
  bytes[0] = 0x78;
  return bytes;
}

function headPages() {
  const head = Buffer.from("OpusHead\x01\x01\x38\x01\x80\xbb\x00\x00\x00\x00\x00", "latin1"); // mono, pre-skip 312
  const comments = [
    `KEY_COMMITMENT=${"0".repeat(64)}`,
    "TITLE=Town hall",
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
function oggChecksum(bytes) {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 24;
    for (let bit = 0; bit < 8; bit++) crc = (crc << 1) ^ (crc < 0 ? 0x04c11db7 : 0);
  }
  return crc >>> 0;
}

function seal(pages, sequence) {
  const number = le32(sequence);
  const cipher = createCipheriv("aes-256-gcm", key.secret, Buffer.concat([number, key.iv]));
  cipher.setAAD(number);
  const body = Buffer.concat([cipher.update(Buffer.from(pages)), cipher.final(), cipher.getAuthTag()]);
  return Buffer.concat([le32(0xffffffff), number, le32(body.length), le32(0), body]); // the checksum is optional
}
