import assert from "node:assert/strict";

/** Reads on until the reader wants more or refuses; the blocks are whole ones. */
export async function readAll(reader, atEnd = true) {
  const blocks = [];
  let error = null;
  try {
    for (let block; (block = await reader.next(atEnd)); ) blocks.push(block);
  } catch (refused) {
    error = refused;
  }
  return { blocks, packets: packetsOf(blocks), error, result: resultOf(reader, error) };
}

/** The result in the words of the vectors: a file that ends before its end is cut off. */
function resultOf(reader, error) {
  if (error) return `Err${error.code}`;
  return reader.ended ? "ok" : "ErrCutOff";
}

export function packetsOf(blocks) {
  return blocks.flatMap((block) => block.packets);
}

export function samePackets(got, want, message) {
  assert.equal(got.length, want.length, message);
  for (let i = 0; i < want.length; i++) {
    if (Buffer.compare(got[i], want[i]) !== 0) assert.fail(`packet ${i} differs: ${message}`);
  }
}

/** A source of random numbers in [0, 1) that gives the same ones in every run (mulberry32). */
export function randomFrom(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Cuts bytes into pieces; length gives the size of the next. */
export function* pieces(bytes, length) {
  for (let at = 0; at < bytes.length; ) {
    const next = at + length();
    yield bytes.subarray(at, next);
    at = next;
  }
}
