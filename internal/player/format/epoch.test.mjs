import assert from "node:assert/strict";
import { test } from "node:test";
import { pieces, randomFrom, readAll, samePackets } from "../testing/read.mjs";
import { makeShow, page, sealed } from "../testing/show.mjs";
import { SealedReader } from "./sealed.js";

const resumed = makeShow(12, {
  random: randomFrom(1),
  resumes: (i) => i === 4 || i === 9,
  signs: (i) => (i === 9 ? 1 : 0),
});
const fresh = (begin, random = 5) => ({ begin, random: Buffer.alloc(16, random) });
const packet = Uint8Array.of(0x78, 1, 2, 3);
const sound = (sequence) => page({ sequence, granule: 960 * (sequence - 1), packets: [packet] });

function fed(file, at = 0) {
  const reader = new SealedReader(resumed.key);
  reader.feed(Uint8Array.from(file).subarray(at));
  return reader;
}

test("a show that was resumed twice is read from its beginning, in any pieces", async () => {
  samePackets((await readAll(fed(resumed.file))).packets, resumed.packets);
  const reader = new SealedReader(resumed.key);
  const packets = [];
  for (const piece of pieces(resumed.file, () => 7)) {
    reader.feed(piece);
    packets.push(...(await readAll(reader, false)).packets);
  }
  assert.ok(reader.ended);
  samePackets(packets, resumed.packets);
});

test("a jump finds the epoch wherever it lands", async () => {
  for (let offset = resumed.first; offset <= resumed.blocks.at(-1).offset; offset += 7) {
    const reader = fed(resumed.file.subarray(0, resumed.first));
    await reader.next();
    reader.jump(offset);
    reader.feed(resumed.file.subarray(offset));
    const { packets, result } = await readAll(reader);
    assert.equal(result, "ok", `jump to ${offset}`);
    const want = resumed.blocks.filter((block) => block.offset >= offset).length;
    samePackets(packets, resumed.packets.slice(resumed.packets.length - 5 * want), `jump to ${offset}`);
  }
});

/** The file of these blocks behind block 0; every block is [sequence, epoch, page]. */
const fileOf = (blocks) =>
  Buffer.concat([
    resumed.file.subarray(0, resumed.first),
    ...blocks.map(([sequence, epoch, number = sequence + 1]) => sealed.block(sound(number), sequence, epoch)),
  ]);

for (const [name, want, before, blocks] of [
  [
    "an epoch from the first block on",
    "ErrCutOff",
    2,
    [
      [1, fresh(1)],
      [2, fresh(1)],
    ],
  ],
  ["an epoch after an epoch", "ErrCutOff", 3, [[1], [2, fresh(2, 1)], [3, fresh(3, 2)]]],
  ["back to the first epoch", "ErrOrder", 2, [[1], [2, fresh(2)], [3]]],
  [
    "back to an epoch before",
    "ErrOrder",
    3,
    [
      [1, fresh(1)],
      [2, fresh(2)],
      [3, fresh(3)],
      [4, fresh(2)],
    ],
  ],
  ["another branch of an epoch", "ErrOrder", 3, [[1], [2, fresh(2, 1)], [3, fresh(2, 1)], [4, fresh(2, 9)]]],
  ["an epoch without its first block", "ErrOrder", 1, [[1], [2, fresh(1)]]],
  ["an epoch that has not begun", "ErrOrder", 1, [[1], [2, fresh(7)]]],
  ["a prefix of the first epoch is ciphertext", "ErrForged", 1, [[1], [2, fresh(0)]]],
]) {
  test(`epochs: ${name}`, async () => {
    const { packets, result } = await readAll(fed(fileOf(blocks)));
    assert.deepEqual([result, packets.length], [want, before]);
  });
}

test("a block moved into another epoch does not open", async () => {
  const raw = sealed.block(sound(3), 2, fresh(2, 1));
  raw[16 + 12] ^= 1; // in the random bytes
  const file = Buffer.concat([fileOf([[1]]), raw]);
  assert.deepEqual((await readAll(fed(file))).result, "ErrForged");
});

test("after a jump no block is of an epoch that begins later", async () => {
  const file = fileOf([[1], [2, fresh(7)]]);
  const reader = fed(file.subarray(0, resumed.first));
  await reader.next();
  reader.jump(resumed.first + 1);
  reader.feed(file.subarray(reader.offset));
  await assert.rejects(reader.next(), { code: "Order" });
});
