import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { pieces, randomFrom, readAll, samePackets } from "../testing/read.mjs";
import * as shows from "../testing/show.mjs";
import { padding } from "./opus.js";
import { PlainReader } from "./plain.js";
import { SealedReader } from "./sealed.js";

const { began, makeShow, padded, plain, sealed, signedPage, signer, strangerKey } = shows;
const COUNT = 130; // blocks: 13 s
const show = makeShow(COUNT, {
  signed: true,
  random: randomFrom(1),
  resumes: (i) => i === 72,
  signs: (i) => (i === 90 ? 2 : 0),
});
const bare = makeShow(COUNT, { signed: true, layout: plain, random: randomFrom(1) });
const readerOf = { sealed: () => new SealedReader(show.key, signer), plain: () => new PlainReader(signer) };

function fed(file, reader = readerOf.sealed()) {
  reader.feed(Uint8Array.from(file));
  return reader;
}

for (const [name, { file, packets, blocks }] of Object.entries({ sealed: show, plain: bare })) {
  test(`${name}: what the station signed is given out, in any pieces`, async () => {
    for (const length of [97, 5000, file.length]) {
      const reader = readerOf[name]();
      const got = [];
      for (const piece of pieces(file, () => length)) {
        reader.feed(piece);
        got.push(...(await readAll(reader, false)).packets);
      }
      assert.ok(reader.ended);
      samePackets(got.slice(0, -1), packets, "the end has a silent packet more");
      const sequence = blocks.at(-1).sequence + 1;
      const [start, sample] = [COUNT * 4800, COUNT * 4800];
      assert.deepEqual(reader.checkpoint, { sequence, start, sample, time: began + COUNT * 100 });
    }
  });

  test(`${name}: checkpoints are five seconds apart and say when a sample was captured`, async () => {
    const reader = fed(file, readerOf[name]());
    const seen = [];
    for (let block; (block = await reader.next(true)); )
      if (block.claim) seen.push([block.start, reader.checkpoint.time]);
    const want = name === "plain" ? [0, 50, 100, COUNT] : [0, 50, 72, 122, COUNT];
    assert.deepEqual(
      seen,
      want.map((block) => [4800 * block, began + 100 * Math.min(block + 1, COUNT)]),
    );
  });

  test(`${name}: wherever a jump leads, what follows is proven`, async () => {
    for (let at = 3; at < COUNT; at += 8) {
      const reader = fed(file.subarray(0, blocks[0].offset), readerOf[name]());
      await reader.next();
      reader.jump(blocks[at].offset - 5);
      reader.feed(file.subarray(reader.offset));
      const { packets: got, result } = await readAll(reader);
      assert.equal(result, "ok", `block ${at}`);
      samePackets(got.slice(0, -1), packets.slice(5 * at));
    }
  });
}

/** What a reader gives out of a file and how it ends; blocks are counted. */
async function judge(file, reader) {
  const { blocks, result } = await readAll(fed(file, reader));
  return [result, blocks.length];
}

/** The blocks of the show of a file, in the order of the file. */
function cut({ file, first, blocks }) {
  const all = [file.subarray(0, first), ...blocks.map(({ offset, size }) => file.subarray(offset, offset + size))];
  const { offset, size } = blocks.at(-1);
  return [...all, file.subarray(offset + size)];
}

test("a member who has the key cannot go on in the speaker's place", async () => {
  const forged = { signed: true, random: randomFrom(2) };
  for (const [name, options, want] of [
    ["with another key", { signedWith: strangerKey }, ["ErrCheckpoint", 0]],
    ["without checkpoints", { signed: false }, ["ErrCheckpoint", 0]],
    ["with one at the beginning only", { checkpointBefore: (sample) => sample === 0 }, ["ErrCheckpoint", 50]],
    ["with late ones", { checkpointBefore: (sample) => sample % 244_800 === 0 }, ["ErrCheckpoint", 50]],
    ["with more than there have to be", { checkpointBefore: (sample) => sample % 24_000 === 0 }, ["ok", COUNT + 1]],
  ]) {
    for (const layout of [sealed, plain]) {
      const { file } = makeShow(COUNT, { ...forged, ...options, layout });
      const reader = layout === plain ? readerOf.plain() : readerOf.sealed();
      assert.deepEqual(await judge(file, reader), want, name);
    }
  }
});

test("another sound behind a true beginning is exposed by the next checkpoint", async () => {
  const other = makeShow(COUNT, { signed: true, random: randomFrom(3), signedWith: strangerKey });
  for (const at of [1, 30, 49]) {
    const file = Buffer.concat([...cut(show).slice(0, at + 1), ...cut(other).slice(at + 1)]);
    assert.deepEqual(await judge(file), ["ErrCheckpoint", 50], `from block ${at} on`);
  }
});

test("blocks of another take of the station do not fit in", async () => {
  const other = makeShow(COUNT, { signed: true, random: randomFrom(3) }); // as if it had equivocated
  const [head, ...blocks] = cut(show);
  const theirs = cut(other).slice(1);
  const swapped = [head, ...blocks.slice(0, 20), theirs[20], ...blocks.slice(21)];
  assert.deepEqual(await judge(Buffer.concat(swapped)), ["ErrCheckpoint", 50]);
  assert.deepEqual(await judge(Buffer.concat([head, ...blocks.slice(0, 50), ...theirs.slice(50)])), [
    "ErrCheckpoint",
    50,
  ]);
});

test("a checkpoint of one place proves nothing at another", async () => {
  const { blocks } = await readAll(fed(show.file));
  const [head] = cut(show);
  for (const { claim } of [blocks[0], blocks[50]]) {
    const packets = [padded(Buffer.from([0x78, 1, 2]), claimBytes(claim))];
    const block = sealed.block(shows.page({ sequence: 2, granule: 960, packets }), 1);
    assert.deepEqual(await judge(Buffer.concat([head, block])), ["ErrCheckpoint", 0]);
  }
});

function claimBytes({ sequence, time, digest, signature }) {
  const numbers = Buffer.alloc(12);
  numbers.writeUInt32LE(sequence);
  numbers.writeBigInt64LE(BigInt(time), 4);
  return Buffer.concat([Buffer.from([0xf4, 0x42, 1]), numbers, digest, signature]);
}

test("what a checkpoint signs cannot be altered by who has the key", async () => {
  const digest = createHash("sha256").update(Buffer.alloc(32)).update(show.file.subarray(0, show.first)).digest();
  const options = () => ({ sequence: 2, granule: 1920, packets: [Uint8Array.of(0x78, 1), Uint8Array.of(0x78, 2)] });
  const claim = { sequence: 1, time: began, digest };
  const end = (page, number = 1) => Buffer.concat([show.file.subarray(0, show.first), sealed.block(page, number)]);
  assert.deepEqual(await judge(end(signedPage(options(), claim))), ["ErrCutOff", 1]);
  const altered = {
    "another packet": (page) => (page[page.length - 1] ^= 1),
    "the checkpoint's own packet": (page) => (page[29 + 5] ^= 1),
    "the time": (page) => (page[page.length - 2 - 64 - 32 - 8] ^= 1),
    "the end": (page) => (page[5] = 4),
    "the end of the page": (page) => page.writeUInt32LE(1919, 6) && (page[5] = 4),
  };
  for (const [name, alter] of Object.entries(altered)) {
    const page = signedPage(options(), claim);
    alter(page);
    page.writeUInt32LE(0, 22);
    page.writeUInt32LE(shows.oggChecksum(page), 22);
    assert.deepEqual(await judge(end(page)), ["ErrCheckpoint", 0], name);
  }
  for (const wrong of [{ sequence: 2 }, { digest: Buffer.alloc(32) }]) {
    assert.deepEqual(await judge(end(signedPage(options(), { ...claim, ...wrong }))), ["ErrCheckpoint", 0]);
  }
});

test("an end that was not signed is refused", async () => {
  const blocks = cut(show).slice(0, 31);
  const { sequence, end } = show.blocks[29];
  for (const options of [{ granule: -1 }, { granule: end, packets: [Buffer.from("e0fffe", "hex")] }]) {
    const page = shows.page({ sequence: sequence + 2, flags: 4, ...options });
    const file = Buffer.concat([...blocks, sealed.block(page, sequence + 1)]);
    assert.deepEqual(await judge(file), ["ErrCheckpoint", 30]);
  }
});

test("an end is not shortened: what was left out is missed", async () => {
  const all = cut(show);
  for (const left of [1, 10]) {
    const file = Buffer.concat([...all.slice(0, -1 - left), all.at(-1)]);
    assert.deepEqual((await judge(file))[0], "ErrOrder");
  }
});

test("after a jump five seconds have a checkpoint, or are refused", async () => {
  const unsigned = makeShow(COUNT, { random: randomFrom(1) });
  const reader = fed(unsigned.file.subarray(0, unsigned.first));
  await reader.next();
  reader.jump(unsigned.blocks[10].offset - 3);
  reader.feed(unsigned.file.subarray(reader.offset));
  const { blocks, error } = await readAll(reader);
  assert.deepEqual([error.code, blocks.length], ["Checkpoint", 50]);
});

test("a jump between two checkpoints proves from the second on what lies between", async () => {
  const other = makeShow(COUNT, { signed: true, random: randomFrom(3), signedWith: strangerKey });
  const [head, ...blocks] = cut(show);
  const file = Buffer.concat([head, ...blocks.slice(0, 60), ...cut(other).slice(61, 70), ...blocks.slice(69)]);
  const reader = fed(file.subarray(0, show.first));
  await reader.next();
  reader.jump(show.blocks[20].offset);
  reader.feed(file.subarray(reader.offset));
  const { blocks: got, error } = await readAll(reader);
  assert.deepEqual([error.code, got.at(-1).sequence], ["Checkpoint", show.blocks[71].sequence]);
});

test("a jump to the first block proves what the head says", async () => {
  for (const [head, want] of [
    [show.file.subarray(0, show.first), "ok"],
    [makeShow(0, { random: randomFrom(1), title: "Another title" }).file.subarray(0, show.first), "ErrCheckpoint"],
  ]) {
    const reader = fed(head);
    await reader.next();
    assert.equal(reader.headProven, false);
    reader.jump(show.first);
    reader.feed(show.file.subarray(show.first));
    assert.equal((await readAll(reader)).result, want);
    assert.equal(reader.headProven, want === "ok");
  }
});

test("without a signer a signed file is read as every other", async () => {
  const reader = new SealedReader(show.key);
  const { result } = await readAll(fed(show.file, reader));
  assert.deepEqual([result, reader.checkpoint, reader.headProven], ["ok", null, true]);
});

test("a browser without Ed25519 proves the same", async (t) => {
  const { importKey } = crypto.subtle;
  t.mock.method(crypto.subtle, "importKey", async (format, key, algorithm, ...rest) => {
    if (algorithm === "Ed25519") throw new DOMException("not known", "NotSupportedError");
    return importKey.call(crypto.subtle, format, key, algorithm, ...rest);
  });
  assert.deepEqual(await judge(show.file), ["ok", COUNT + 3]);
  const forged = makeShow(COUNT, { signed: true, random: randomFrom(2), signedWith: strangerKey });
  assert.deepEqual(await judge(forged.file), ["ErrCheckpoint", 0]);
});

test("padding", () => {
  const many = (n) => new Array(n).fill(9);
  for (const [packet, want] of [
    [[0x78, 1, 2], null],
    [[0x78], null],
    [[], null],
    [[0x7b, 0x01, 1, 2], null],
    [
      [0x7b, 0x41, 2, 1, 2, 8, 9],
      [8, 9],
    ],
    [[0x7b, 0x41, 0, 1, 2], []],
    [
      [0x7b, 0x41, 2, 8, 9],
      [8, 9],
    ],
    [[0x7b, 0x41, 254, 1, ...many(254)], many(254)],
    [[0x7b, 0x41, 255, 0, 1, ...many(254)], many(254)],
    [[0x7b, 0x41, 255, 1, 1, ...many(255)], many(255)],
    [[0x7b, 0xc2, 1, 1, 2, 3, 0], [0]],
    [[0x7b, 0x41, 3, 8, 9], null],
    [[0x7b, 0x41], null],
    [[0x7b, 0x41, 255], null],
  ]) {
    const got = padding(Uint8Array.from(packet));
    assert.deepEqual(got && [...got], want, packet.slice(0, 8).join());
  }
});

test("a checkpoint stands at the end of the padding, whatever padding there was", async () => {
  const digest = createHash("sha256").update(Buffer.alloc(32)).update(show.file.subarray(0, show.first)).digest();
  for (const hex of [
    "780102",
    "79010203",
    "7a01010203",
    "7b010102",
    "7b0301020304",
    "7b41030102000000",
    `7b4164${"00".repeat(103)}`,
  ]) {
    const packets = [Buffer.from(hex, "hex")];
    const granule = [0x79, 0x7a].includes(packets[0][0]) ? 1920 : hex.startsWith("7b03") ? 2880 : 960;
    const page = signedPage({ sequence: 2, granule, packets }, { sequence: 1, time: began, digest });
    assert.equal(page.length - 28, packets[0].length + 113);
    const file = Buffer.concat([show.file.subarray(0, show.first), sealed.block(page, 1)]);
    assert.deepEqual(await judge(file), ["ErrCutOff", 1], hex);
  }
});

test("where a writer went on, it signs at once", async () => {
  const resumed = { signed: true, random: randomFrom(1), resumes: (i) => i === 20, signs: (i) => (i === 20 ? 1 : 0) };
  const whole = makeShow(30, resumed);
  assert.deepEqual(await judge(whole.file), ["ok", 32]);
  const late = makeShow(30, { ...resumed, checkpointBefore: (sample) => sample === 0 });
  assert.deepEqual(await judge(late.file), ["ErrCheckpoint", 21]);
});

test("no flipped bit of a signed file is taken for the station's", async () => {
  for (const layout of [sealed, plain]) {
    const small = makeShow(2, {
      signed: true,
      layout,
      random: randomFrom(4),
      size: () => 20,
      resumes: (i) => layout === sealed && i === 1,
    });
    const end = small.blocks[1].offset + small.blocks[1].size;
    // The end's checksum is for those without the key, and no digest comes behind it.
    const ignored = (at) => layout === sealed && at >= end + 12 && at < end + 16;
    for (let at = 0; at < small.file.length; at++) {
      const file = small.file.slice();
      file[at] ^= 1 << (at % 8);
      const { packets, result } = await readAll(fed(file, layout === plain ? readerOf.plain() : readerOf.sealed()));
      assert.equal(result === "ok", ignored(at), `byte ${at}`);
      if (!ignored(at)) samePackets(packets, small.packets.slice(0, packets.length), `byte ${at}`);
    }
  }
});
