import assert from "node:assert/strict";
import { test } from "node:test";
import { RATE } from "../format/opus.js";
import { ReadAhead } from "./read-ahead.js";

/** A stream of blocks of ten seconds, whose reads can be held back. */
class Blocks {
  next = 0;
  released = 0;
  held = null;

  constructor(count) {
    this.count = count;
  }

  async read() {
    if (this.held) await this.held;
    return this.next < this.count ? { end: ++this.next * 10 * RATE } : null;
  }

  release() {
    this.released++;
  }

  interrupt() {}
}

/** Reads ahead of a listener who has heard nothing yet. */
function readerOf(stream) {
  const seen = { read: 0, heard: 0, bytes: 0, ends: [] };
  let ended;
  seen.end = new Promise((resolve) => (ended = resolve));
  seen.reader = new ReadAhead(stream, {
    ahead: () => seen.read - seen.heard,
    waiting: () => seen.bytes,
    onblock: ({ end }) => (seen.read = end),
    onend: (failure) => ended(seen.ends.push(failure)),
  });
  return seen;
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const stay = async () => {};

test("it reads a minute ahead, and goes on when half of it was heard", async () => {
  const stream = new Blocks(20);
  const seen = readerOf(stream);
  await seen.reader.restart(stay);
  await turn();
  assert.equal(seen.read, 60 * RATE);
  assert.equal(stream.released, 1, "the line is let go");
  seen.heard = 29 * RATE;
  seen.reader.refill();
  await turn();
  assert.equal(seen.read, 60 * RATE);
  seen.heard = 31 * RATE;
  seen.reader.refill();
  await turn();
  assert.equal(seen.read, 100 * RATE);
});

test("it rests also where little sound takes much memory", async () => {
  const seen = readerOf(new Blocks(20));
  seen.bytes = (8 << 20) + 1;
  await seen.reader.restart(stay);
  await turn();
  assert.equal(seen.read, 10 * RATE);
  seen.reader.refill();
  await turn();
  assert.equal(seen.read, 10 * RATE);
  seen.bytes = 0;
  seen.reader.refill();
  await turn();
  assert.equal(seen.read, 60 * RATE);
});

test("what ends the reading is told once", async () => {
  for (const failure of [null, new Error("refused")]) {
    const seen = readerOf(new Blocks(2));
    await seen.reader.restart(failure ? () => Promise.reject(failure) : stay);
    await seen.end;
    assert.deepEqual(seen.ends, [failure]);
  }
});

for (const outcome of ["brings", "fails with"]) {
  test(`a jump drops what an earlier one ${outcome}`, async () => {
    const stream = new Blocks(3);
    const seen = readerOf(stream);
    let arrive;
    stream.held = new Promise((resolve, reject) => (arrive = outcome === "brings" ? resolve : reject));
    await seen.reader.restart(stay);
    await turn();
    const jump = seen.reader.restart(async () => {
      stream.next = 1;
    });
    stream.held = null;
    arrive(new Error("interrupted"));
    await jump;
    assert.equal(seen.read, 0, "the block of before the jump");
    await seen.end;
    assert.equal(seen.read, 30 * RATE);
    assert.deepEqual(seen.ends, [null]);
  });
}
