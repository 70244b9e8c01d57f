import { Refusal } from "./refusal.js";

const pageHeaderSize = 27; // bytes, without the lacing values
const sequenceAt = 18, checksumAt = 22, segmentsAt = 26;
const continued = 1, first = 2, last = 4; // flags
const capturePattern = [0x4f, 0x67, 0x67, 0x53, 0]; // "OggS", version 0

/**
 * parsePage reads the page that begins at `at` (RFC 3533, 6). It returns null
 * when the bytes end inside the page; lacing and body are views of bytes.
 *
 * granule counts the 48 kHz samples, pre-skip included, up to the end of the
 * last packet that ends here: -1 when none does, NaN when a number can not say
 * it exactly (5900 years).
 */
export function parsePage(bytes, at = 0) {
  const size = pageSize(bytes, at);
  if (size === 0) throw malformed("not an Ogg page");
  if (size > bytes.length - at) return null;
  const header = new DataView(bytes.buffer, bytes.byteOffset + at, size);
  if (header.getUint32(checksumAt, true) !== checksum(bytes, at, size)) {
    throw malformed("the checksum of the Ogg page is wrong");
  }
  const bodyAt = at + pageHeaderSize + bytes[at + segmentsAt];
  const flags = bytes[at + 5];
  const page = {
    continued: (flags & continued) !== 0,
    first: (flags & first) !== 0,
    last: (flags & last) !== 0,
    granule: exactly(header.getBigInt64(6, true)),
    serial: header.getUint32(14, true),
    sequence: header.getUint32(sequenceAt, true),
    lacing: bytes.subarray(at + pageHeaderSize, bodyAt),
    body: bytes.subarray(bodyAt, at + size),
  };
  return { page, size };
}

const largest = 1n << 53n;
const exactly = (n) => (n >= -largest && n <= largest ? Number(n) : NaN);

/**
 * pageSize returns how many bytes the page at `at` has. More than there are
 * means that it takes at least so many to tell; 0 that no page begins there.
 */
export function pageSize(bytes, at = 0) {
  const available = bytes.length - at;
  for (let i = 0; i < capturePattern.length && i < available; i++) {
    if (bytes[at + i] !== capturePattern[i]) return 0;
  }
  if (available < pageHeaderSize) return pageHeaderSize;
  const headerSize = pageHeaderSize + bytes[at + segmentsAt];
  if (available < headerSize) return headerSize;
  let size = headerSize;
  for (let i = pageHeaderSize; i < headerSize; i++) size += bytes[at + i];
  return size;
}

/** pageSequence reads the number of the whole page that begins at the first byte. */
export function pageSequence(bytes) {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(sequenceAt, true);
}

/**
 * packetsOf splits the body of a page. The first piece is the rest of a packet
 * when the page is continued; the last one is only a beginning when whole is
 * false.
 */
export function packetsOf({ lacing, body }) {
  const packets = [];
  let start = 0, end = 0, whole = true;
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

/** parseStreamHead reads the two header pages of an Ogg Opus stream. */
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
 * parseHead reads the first packet of a stream (RFC 7845, 5.1), of mono and
 * stereo streams (mapping family 0).
 */
export function parseHead(packet) {
  if (!beginsWith(packet, "OpusHead")) throw malformed("not an Ogg Opus stream");
  if (packet.length < 19) throw malformed(`OpusHead has ${packet.length} bytes, not 19`);
  if (packet[8] >> 4 !== 0) throw malformed(`version ${packet[8]} of OpusHead is not known`);
  const channels = packet[9], family = packet[18];
  if (family !== 0 || channels > 2) throw malformed(`only mono and stereo can be used, not ${channels} channels, family ${family}`);
  if (channels === 0) throw malformed("no channels");
  return { channels, preSkip: packet[10] | packet[11] << 8 };
}

/**
 * parseTags reads the second packet of a stream (RFC 7845, 5.2) and returns its
 * comments, "NAME=value". What follows them is padding.
 */
export function parseTags(packet) {
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
    return text.decode(packet.subarray(at, at += length));
  };
  string(); // the program that wrote the stream
  const comments = [];
  for (let count = number(); count > 0; count--) comments.push(string());
  return comments;
}

const text = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * tag returns the value of the first comment with this name, in any case of
 * letters, or "".
 */
export function tag(comments, name) {
  const prefix = `${name.toUpperCase()}=`;
  const comment = comments.find((c) => c.slice(0, prefix.length).toUpperCase() === prefix);
  return comment?.slice(prefix.length) ?? "";
}

function beginsWith(bytes, ascii) {
  return bytes.length >= ascii.length && [...ascii].every((c, i) => bytes[i] === c.charCodeAt(0));
}

// What an Ogg page's checksum adds for every value of the byte that leaves the
// register: CRC-32 with the polynomial 04C11DB7, bits not reversed.
const checksumTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24;
  for (let bit = 0; bit < 8; bit++) crc = crc << 1 ^ (crc < 0 ? 0x04c11db7 : 0);
  return crc;
});

/** checksum reads its own field as zero. */
function checksum(bytes, at, size) {
  let crc = 0;
  const field = at + checksumAt;
  for (let i = at, end = at + size; i < end; i++) {
    const byte = i >= field && i < field + 4 ? 0 : bytes[i];
    crc = crc << 8 ^ checksumTable[crc >>> 24 ^ byte];
  }
  return crc >>> 0;
}

const malformed = (why) => new Refusal("Malformed", why);
