import { Refusal } from "./refusal.js";

const PAGE_HEADER_SIZE = 27; // bytes, without the lacing values
const SEQUENCE_AT = 18;
const CHECKSUM_AT = 22;
const SEGMENTS_AT = 26;
const FLAGS = { continued: 1, first: 2, last: 4 };
const CAPTURE_PATTERN = [0x4f, 0x67, 0x67, 0x53, 0]; // "OggS", version 0

/**
 * A page of an Ogg stream (RFC 3533, 6).
 * @typedef {object} Page
 * @property {boolean} continued begins with the rest of a packet
 * @property {boolean} first of the stream
 * @property {boolean} last of the stream
 * @property {number} granule samples at 48 kHz, pre-skip included, up to the end of the last packet that ends here: -1
 *   when none does, NaN when a number cannot say it exactly (5900 years)
 * @property {number} serial
 * @property {number} sequence
 * @property {Uint8Array} lacing a view
 * @property {Uint8Array} body a view
 */

/**
 * Reads the page that begins at `at`; null when the bytes end inside it.
 * @param {Uint8Array} bytes
 * @returns {{page: Page, size: number} | null}
 */
export function parsePage(bytes, at = 0) {
  const size = pageSize(bytes, at);
  if (size === 0) throw malformed("not an Ogg page");
  if (size > bytes.length - at) return null;
  const header = new DataView(bytes.buffer, bytes.byteOffset + at, size);
  if (header.getUint32(CHECKSUM_AT, true) !== checksum(bytes, at, size)) {
    throw malformed("the checksum of the Ogg page is wrong");
  }
  const bodyAt = at + PAGE_HEADER_SIZE + bytes[at + SEGMENTS_AT];
  const flags = bytes[at + 5];
  const page = {
    continued: (flags & FLAGS.continued) !== 0,
    first: (flags & FLAGS.first) !== 0,
    last: (flags & FLAGS.last) !== 0,
    granule: exactly(header.getBigInt64(6, true)),
    serial: header.getUint32(14, true),
    sequence: header.getUint32(SEQUENCE_AT, true),
    lacing: bytes.subarray(at + PAGE_HEADER_SIZE, bodyAt),
    body: bytes.subarray(bodyAt, at + size),
  };
  return { page, size };
}

const LARGEST = 1n << 53n;

/** @param {bigint} n */
const exactly = (n) => (n >= -LARGEST && n <= LARGEST ? Number(n) : NaN);

/**
 * How many bytes the page at `at` has. More than there are means that it takes
 * at least so many to say; 0 that no page begins there.
 * @param {Uint8Array} bytes
 */
export function pageSize(bytes, at = 0) {
  const available = bytes.length - at;
  for (let i = 0; i < CAPTURE_PATTERN.length && i < available; i++) {
    if (bytes[at + i] !== CAPTURE_PATTERN[i]) return 0;
  }
  if (available < PAGE_HEADER_SIZE) return PAGE_HEADER_SIZE;
  const headerSize = PAGE_HEADER_SIZE + bytes[at + SEGMENTS_AT];
  if (available < headerSize) return headerSize;
  let size = headerSize;
  for (let i = PAGE_HEADER_SIZE; i < headerSize; i++) size += bytes[at + i];
  return size;
}

/**
 * The number of the whole page that begins at the first byte.
 * @param {Uint8Array} bytes
 */
export function pageSequence(bytes) {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(SEQUENCE_AT, true);
}

/**
 * Splits the body of a page. The first piece is the rest of a packet when the
 * page is continued; the last one is only a beginning when whole is false.
 * @param {Page} page
 */
export function packetsOf({ lacing, body }) {
  /** @type {Uint8Array[]} */
  const packets = [];
  let start = 0;
  let end = 0;
  let whole = true;
  for (const value of lacing) {
    end += value;
    whole = value < 255;
    if (!whole) continue;
    packets.push(body.subarray(start, end));
    start = end;
  }
  if (!whole) packets.push(body.subarray(start, end));
  return { packets, whole };
}

/**
 * Reads the two header pages of an Ogg Opus stream.
 * @param {Uint8Array} pages
 */
export function parseStreamHead(pages) {
  const one = parsePage(pages);
  if (!one) throw malformed("the first page is cut off");
  const two = parsePage(pages, one.size);
  if (!two) throw malformed("the second page is cut off");
  if (!one.page.first || two.page.sequence !== 1 || two.page.serial !== one.page.serial) {
    throw malformed("not the head of an Ogg stream");
  }
  return { serial: one.page.serial, ...parseHead(one.page.body), tags: parseTags(two.page.body) };
}

/**
 * Reads the first packet of a stream (RFC 7845, 5.1), of mono and stereo streams
 * (mapping family 0).
 * @param {Uint8Array} packet
 */
function parseHead(packet) {
  if (!beginsWith(packet, "OpusHead")) throw malformed("not an Ogg Opus stream");
  if (packet.length < 19) throw malformed(`OpusHead has ${packet.length} bytes, not 19`);
  if (packet[8] >> 4 !== 0) throw malformed(`version ${packet[8]} of OpusHead is not known`);
  const channels = packet[9];
  const family = packet[18];
  if (family !== 0 || channels > 2)
    throw malformed(`only mono and stereo can be used, not ${channels} channels, family ${family}`);
  if (channels === 0) throw malformed("no channels");
  return { channels, preSkip: packet[10] | (packet[11] << 8) };
}

/**
 * Reads the second packet of a stream (RFC 7845, 5.2): its comments,
 * "NAME=value". What follows them is padding.
 * @param {Uint8Array} packet
 */
function parseTags(packet) {
  if (!beginsWith(packet, "OpusTags")) throw malformed("no OpusTags");
  const view = new DataView(packet.buffer, packet.byteOffset, packet.length);
  let at = 8;
  const number = () => {
    if (packet.length - at < 4) throw malformed("OpusTags ends early");
    return view.getUint32((at += 4) - 4, true);
  };
  const string = () => {
    const length = number();
    if (length > packet.length - at) throw malformed("OpusTags ends early");
    return utf8.decode(packet.subarray(at, (at += length)));
  };
  string(); // the program that wrote the stream
  /** @type {string[]} */
  const comments = [];
  for (let count = number(); count > 0; count--) comments.push(string());
  return comments;
}

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * The value of the first comment with this name, in any case of letters, or "".
 * @param {string[]} comments
 * @param {string} name
 */
export function tag(comments, name) {
  const prefix = `${name.toUpperCase()}=`;
  const comment = comments.find((c) => c.slice(0, prefix.length).toUpperCase() === prefix);
  return comment?.slice(prefix.length) ?? "";
}

/**
 * Reads the value of a DATE as writers write it; null when it is missing.
 * @param {string} value
 */
export function parseDate(value) {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(Z|[+-]\d\d:\d\d)$/.test(value)) return null;
  const date = new Date(value);
  return Number.isNaN(date.getTime()) ? null : date;
}

/**
 * @param {Uint8Array} bytes
 * @param {string} ascii
 */
function beginsWith(bytes, ascii) {
  return bytes.length >= ascii.length && [...ascii].every((c, i) => bytes[i] === c.charCodeAt(0));
}

// What an Ogg page's checksum adds for every value of the byte that leaves the
// register: CRC-32 with the polynomial 04C11DB7, bits not reversed.
const CHECKSUM_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24;
  for (let bit = 0; bit < 8; bit++) crc = (crc << 1) ^ (crc < 0 ? 0x04c11db7 : 0);
  return crc;
});

/**
 * The checksum of a page, which reads its own field as zero.
 * @param {Uint8Array} bytes
 * @param {number} at
 * @param {number} size
 */
function checksum(bytes, at, size) {
  let crc = 0;
  const field = at + CHECKSUM_AT;
  for (let i = at, end = at + size; i < end; i++) {
    const byte = i >= field && i < field + 4 ? 0 : bytes[i];
    crc = (crc << 8) ^ CHECKSUM_TABLE[(crc >>> 24) ^ byte];
  }
  return crc >>> 0;
}

/** @param {string} why */
const malformed = (why) => new Refusal("Malformed", why);
