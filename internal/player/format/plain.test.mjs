import assert from "node:assert/strict";
import { test } from "node:test";
import { pieces, randomFrom, readAll, samePackets } from "../testing/read.mjs";
import { makeShow, page, plain, varying } from "../testing/show.mjs";
import { PlainReader } from "./plain.js";

const show = makeShow(3, { layout: plain, size: varying, random: randomFrom(1) });

function fed(file, reader = new PlainReader()) {
  reader.feed(Uint8Array.from(file));
  return reader;
}

/** The show's head and these pages instead of its own. */
const withPages = (...pages) => Buffer.concat([show.file.subarray(0, show.first), ...pages]);

const packet = () => Uint8Array.of(0x78, 1, 2, 3);
const packets = (count) => Array.from({ length: count }, packet);

test("a whole file, in whatever pieces it comes", async () => {
  for (const length of [1, 13, 5000, show.file.length]) {
    const reader = new PlainReader();
    const blocks = [];
    for (const piece of pieces(show.file, () => length)) {
      reader.feed(piece);
      blocks.push(...(await readAll(reader, false)).blocks);
    }
    assert.ok(reader.ended);
    assert.equal(reader.first, show.first);
    assert.equal(reader.head.title, "Town hall");
    samePackets(
      blocks.flatMap((block) => block.packets),
      show.packets,
      `pieces of ${length}`,
    );
    assert.deepEqual(
      blocks.slice(0, -1).map(({ sequence, offset, size, start, end }) => ({ sequence, offset, size, start, end })),
      show.blocks,
    );
    assert.deepEqual(
      Buffer.concat([reader.headPages, ...blocks.map((block) => block.pages)]),
      Buffer.from(show.file),
      "the pages are the file",
    );
  }
});

test("a jump lands on the next page", async () => {
  for (let offset = show.first; offset < show.file.length; offset++) {
    const reader = fed(show.file.subarray(0, show.first));
    await reader.next();
    reader.jump(offset);
    reader.feed(show.file.subarray(offset));
    const index = show.blocks.findIndex((block) => block.offset >= offset);
    const { blocks, packets, error } = await readAll(reader);
    assert.equal(error, null);
    if (index < 0) {
      assert.equal(packets.length, 0);
      continue;
    }
    assert.equal(blocks[0].offset, show.blocks[index].offset, `jump to ${offset}`);
    assert.equal(blocks[0].start, show.blocks[index].start, `jump to ${offset}`);
    samePackets(packets, show.packets.slice(5 * index), `jump to ${offset}`);
  }
});

test("a flipped bit is noticed", async () => {
  for (let at = show.first; at < show.file.length; at++) {
    const file = show.file.slice();
    file[at] ^= 1 << (at % 8);
    const { packets, result } = await readAll(fed(file));
    assert.notEqual(result, "ok", `byte ${at}`);
    const before = show.blocks.filter((block) => block.offset + block.size <= at).length;
    assert.equal(packets.length, 5 * before, `byte ${at}`);
    samePackets(packets, show.packets.slice(0, packets.length), `byte ${at}`);
  }
});

test("a jump passes over a damaged page", async () => {
  const file = show.file.slice();
  file[show.blocks[1].offset + 100] ^= 1;
  const reader = fed(file.subarray(0, show.first));
  await reader.next();
  reader.jump(show.blocks[0].offset + 1);
  reader.feed(file.subarray(reader.offset));
  assert.equal((await reader.next()).offset, show.blocks[2].offset);
});

test("packets stay as they are when more is fed", async () => {
  const long = makeShow(100, { layout: plain, random: randomFrom(3) });
  const reader = new PlainReader();
  const packets = [];
  for (const piece of pieces(long.file, () => 5000)) {
    reader.feed(piece);
    packets.push(...(await readAll(reader, false)).packets);
  }
  assert.ok(reader.capacity < long.file.length);
  samePackets(packets, long.packets);
});

test("an empty page is a sign of life, and the stream ends with its last page", async () => {
  const quiet = makeShow(2, { layout: plain, random: randomFrom(2), signs: (block) => (block === 1 ? 1 : 0) });
  const { blocks } = await readAll(fed(quiet.file));
  assert.deepEqual(
    blocks.map(({ start, end, packets, last }) => [start, end, packets.length, last]),
    [
      [0, 4800, 5, false],
      [4800, 4800, 0, false],
      [4800, 9600, 5, false],
      [9600, 9600, 0, true],
    ],
  );
  const reader = fed(quiet.file);
  await reader.next();
  reader.jump(quiet.blocks[0].offset + 1);
  reader.feed(quiet.file.subarray(reader.offset));
  assert.equal((await reader.next()).offset, quiet.blocks[1].offset, "after a jump signs of life are passed over");
});

test("pages of a second, as other programs write them, the last one trimmed", async () => {
  const file = withPages(
    page({ sequence: 2, granule: 48000, packets: packets(50) }),
    page({ sequence: 3, granule: 96000, packets: packets(50) }),
    page({ sequence: 4, granule: 96500, packets: packets(1), flags: 4 }),
  );
  const { blocks, result } = await readAll(fed(file));
  assert.equal(result, "ok");
  assert.deepEqual(
    blocks.map(({ start, end, packets }) => [start, end, packets.length]),
    [
      [0, 48000, 50],
      [48000, 96000, 50],
      [96000, 96500, 1],
    ],
  );
});

for (const [name, file, want, before = 0] of [
  ["not a page at all", Buffer.from("RIFF1234WAVEfmt "), "ErrNotBlocks"],
  [
    "another first page",
    Buffer.concat([
      page({ sequence: 0, granule: 0, flags: 2, packets: [Buffer.from("\x7fFLAC and more")] }),
      page({ sequence: 1, granule: 0, packets: [packet()] }),
    ]),
    "ErrMalformed",
  ],
  ["something behind the first page", Buffer.concat([show.file.subarray(0, 47), Buffer.alloc(100)]), "ErrMalformed"],
  ["no page where one belongs", withPages(Buffer.alloc(100)), "ErrMalformed"],
  ["a page left out", withPages(page({ sequence: 3, granule: 960, packets: packets(1) })), "ErrOrder"],
  [
    "a page again",
    withPages(...[1, 2].map(() => page({ sequence: 2, granule: 960, packets: packets(1) }))),
    "ErrOrder",
    1,
  ],
  [
    "a packet that goes on with the next page",
    withPages(page({ sequence: 2, granule: 960, lacing: [255], packets: [new Uint8Array(255).fill(0x78)] })),
    "ErrMalformed",
  ],
  ["no packets, but a time", withPages(page({ sequence: 2, granule: 0 })), "ErrMalformed"],
  [
    "a packet that began on the page before",
    withPages(page({ sequence: 2, granule: 960, packets: packets(1), flags: 1 })),
    "ErrMalformed",
  ],
  ["a second stream", withPages(page({ sequence: 2, granule: 960, packets: packets(1), flags: 2 })), "ErrMalformed"],
  ["a jump in time", withPages(page({ sequence: 2, granule: 961, packets: packets(1) })), "ErrMalformed"],
  [
    "a trim that is not at the end",
    withPages(page({ sequence: 2, granule: 959, packets: packets(1) })),
    "ErrMalformed",
  ],
  [
    "a packet that is not Opus",
    withPages(page({ sequence: 2, granule: 960, packets: [Uint8Array.of(0x7b)] })),
    "ErrMalformed",
  ],
  ["a file that goes on", withPages(page({ sequence: 2, granule: 960, packets: packets(1) })), "ErrCutOff", 1],
]) {
  test(`refused: ${name}`, async () => {
    const reader = fed(file);
    const { packets, result, error } = await readAll(reader);
    assert.equal(result, want);
    assert.equal(packets.length, before);
    if (error) await assert.rejects(reader.next(), (again) => again === error, "a refusal is final");
  });
}

test("time is exact as far as numbers are", async () => {
  for (const [granule, want] of [
    [2n ** 53n, "ErrCutOff"],
    [2n ** 53n + 1n, "ErrMalformed"],
    [-2n, "ErrMalformed"],
    [-(2n ** 63n), "ErrMalformed"],
  ]) {
    const reader = fed(withPages());
    await reader.next();
    reader.jump(reader.first + 1);
    reader.feed(page({ sequence: 9, granule, packets: packets(1) }));
    const { blocks, result } = await readAll(reader);
    assert.equal(result, want, `granule position ${granule}`);
    if (blocks.length > 0) assert.deepEqual([blocks[0].start, blocks[0].end], [2 ** 53 - 960, 2 ** 53]);
  }
});
