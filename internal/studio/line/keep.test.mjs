import assert from "node:assert/strict";
import { test } from "node:test";
import { withoutGaps } from "./database.js";
import { Keep } from "./keep.js";

const show = { welcome: {}, stopped: false };
const kept = (n) => ({ packet: Uint8Array.of(n & 255, n >> 8), captured: n });
const numbers = (packets) => packets.map(({ captured }) => captured);
const range = (from, to) => Array.from({ length: to - from }, (_, i) => from + i);

/** A database in memory, whose writes take as long as the test wants. */
class Memory {
  records = new Map();
  meta = { show: null, first: 0, durable: 0 };
  writes = 0;
  release = () => {};
  held = Promise.resolve();

  hold() {
    this.held = new Promise((resolve) => (this.release = resolve));
  }

  async load() {
    const all = [...this.records.keys()].sort((a, b) => a - b);
    return { ...this.meta, first: all[0] ?? this.meta.first, packets: all.map((number) => this.records.get(number)) };
  }

  async write({ show, first, durable, number, packets }) {
    await this.held;
    this.writes++;
    this.meta = { show, first, durable };
    for (const old of this.records.keys()) if (old < first) this.records.delete(old);
    for (const [i, packet] of packets.entries()) this.records.set(number + i, packet);
  }

  async clear() {
    this.records.clear();
    this.meta = { show: null, first: 0, durable: 0 };
  }
}

async function opened(database = new Memory()) {
  const keep = new Keep(database);
  await keep.load();
  keep.note(show);
  await settled();
  return { keep, database };
}

/** Waits until everything that waits for nothing is done. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

test("a packet is not sent before it is stored, and what comes meanwhile is stored together", async () => {
  const { keep, database } = await opened();
  let stored = 0;
  keep.onstored = () => stored++;
  database.hold();
  for (const n of range(0, 10)) keep.add(kept(n));
  await settled();
  assert.deepEqual(keep.from(0, 50), []);
  database.release();
  await settled();
  assert.deepEqual(numbers(keep.from(0, 50)), range(0, 10));
  assert.deepEqual(numbers(keep.from(7, 2)), [7, 8]);
  assert.equal(stored, 2);
  assert.equal(database.records.size, 10);
});

test("ten minutes are kept, and a page that is loaded again has them", async () => {
  const { keep, database } = await opened();
  for (const n of range(0, 30_000)) keep.add(kept(n));
  await settled();
  keep.confirm(1_200);
  keep.add(kept(30_000));
  await settled();
  const again = new Keep(database);
  assert.deepEqual(await again.load(), show);
  assert.equal(again.end, 30_001);
  assert.equal(again.durable, 1_200);
  assert.deepEqual(numbers(again.from(1_200, 2)), [1_200, 1_201]);
});

test("what is durable is forgotten, but nothing else", async () => {
  const { keep, database } = await opened();
  for (const n of range(0, 2_000)) keep.add(kept(n));
  await settled();
  keep.confirm(1_500);
  keep.confirm(100); // an older message
  await settled();
  assert.equal(keep.durable, 1_500);
  assert.deepEqual([...database.records.keys()], range(1_500, 2_000));
  assert.deepEqual(numbers(keep.from(1_500, 1)), [1_500]);
});

test("a show that was spoken elsewhere goes on behind that", async () => {
  const { keep, database } = await opened();
  for (const n of range(0, 10)) keep.add(kept(n));
  keep.skipTo(500);
  keep.add(kept(500));
  await settled();
  assert.deepEqual([...database.records.keys()], [500]);
  assert.deepEqual(numbers(keep.from(500, 50)), [500]);
});

test("silence takes the place of packets that are wanted again and are not kept", async () => {
  const { keep } = await opened();
  keep.skipTo(500);
  keep.add({ packet: Uint8Array.of(1), captured: 10_000 });
  await settled();
  keep.refill(497, 2);
  const packets = keep.from(497, 50);
  assert.deepEqual(
    packets.map(({ packet }) => [...packet]),
    [...Array(3).fill([0xfc, 0xff, 0xfe]), [1]],
  );
  assert.deepEqual(numbers(packets), [9_940, 9_960, 9_980, 10_000]);
  assert.equal(keep.durable, 497);
  keep.refill(498, 2); // it has that
  assert.equal(keep.from(497, 50).length, 4);
});

test("a database that fails takes nothing with it but the reload", async (t) => {
  t.mock.method(console, "error", () => {});
  const { keep, database } = await opened();
  keep.add(kept(0));
  await settled();
  database.write = () => Promise.reject(new Error("the disk is full"));
  keep.add(kept(1));
  await settled();
  keep.add(kept(2));
  await settled();
  assert.deepEqual(numbers(keep.from(0, 50)), [0, 1, 2]);
  assert.equal(database.records.size, 0, "a part of it would mislead");
  assert.ok(!keep.lasting);
});

test("a show that is over leaves nothing", async () => {
  const { keep, database } = await opened();
  for (const n of range(0, 10)) keep.add(kept(n));
  await settled();
  await keep.clear();
  assert.equal(database.records.size, 0);
  assert.equal(await new Keep(database).load(), null);
});

test("a database that is damaged is not used, and does not stop the page", async (t) => {
  t.mock.method(console, "error", () => {});
  const { database } = await opened();
  database.load = () => Promise.reject(new Error("it is damaged"));
  const keep = new Keep(database);
  assert.equal(await keep.load(), null);
  assert.ok(!keep.lasting);
  keep.note(show);
  keep.add(kept(0));
  await settled();
  assert.equal(keep.stored, 1);
});

test("packets behind a gap keep their numbers", () => {
  const packets = [0, 20, 100].map((captured) => ({ packet: Uint8Array.of(1), captured }));
  const whole = withoutGaps([7, 8, 12], packets, 1);
  assert.deepEqual(numbers(whole), [0, 20, 40, 60, 80, 100]);
  assert.deepEqual([...whole[3].packet], [0xf8, 0xff, 0xfe]);
  assert.deepEqual(withoutGaps([], [], 1), []);
  assert.throws(() => withoutGaps([7, 1e9], packets.slice(1), 1), /damaged/);
  assert.throws(() => withoutGaps([7], [{ captured: 1 }], 1), /damaged/);
});

test("what is cleared while it is written is not taken for stored", async () => {
  const { keep, database } = await opened();
  for (const n of range(0, 10)) keep.add(kept(n));
  await settled();
  database.hold();
  keep.add(kept(10));
  keep.clear();
  keep.note(show);
  keep.add(kept(0));
  keep.add(kept(1));
  assert.equal(keep.stored, 0);
  database.release();
  await settled();
  assert.deepEqual(numbers(keep.from(0, 50)), [0, 1]);
});

test("what is kept belongs to its show, and to the device that was the newest", async () => {
  const { keep } = await opened();
  assert.ok(keep.belongsTo({ show: "a", generation: 9 }), "an older station has not said whose it is");
  keep.note({ ...show, welcome: { generation: 2 }, show: "a" });
  for (const [welcome, belongs] of [
    [{ show: "a", generation: 2 }, true],
    [{ show: "a", generation: 3 }, true], // the same browser, opened again
    [{ show: "a", generation: 4 }, false],
    [{ show: "b", generation: 2 }, false],
    [{ show: "", generation: 2 }, true], // the station does not say it
    [{}, true],
  ]) {
    assert.equal(keep.belongsTo(welcome), belongs, JSON.stringify(welcome));
  }
});
