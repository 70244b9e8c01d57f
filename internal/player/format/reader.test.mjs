import assert from "node:assert/strict";
import { test } from "node:test";
import { pieces, randomFrom, readAll, samePackets } from "../testing/read.mjs";
import { makeShow, page, sealed, varying } from "../testing/show.mjs";
import { vector, vectors } from "../testing/vectors.mjs";
import { parseKey, parseSigner } from "./link.js";
import { PlainReader } from "./plain.js";
import { SealedReader } from "./sealed.js";

const headSize = 1139;
const blank = makeShow(0, { random: randomFrom(0) });

function readerOf({ key, signer, plain }, bytes) {
  const signedBy = signer ? parseSigner(signer) : null;
  const reader = plain ? new PlainReader(signedBy) : new SealedReader(parseKey(key), signedBy);
  if (bytes) reader.feed(bytes);
  return reader;
}

assert.ok(vectors().length > 60, "where are the vectors?");

for (const v of vectors()) {
  test(`vector ${v.name}`, async () => {
    const reader = readerOf(v, v.file);
    const { packets, result, error } = await readAll(reader);
    assert.equal(result, v.expect);
    assert.equal(packets.length, v.packets);
    if (!error) return;
    await assert.rejects(reader.next(), (again) => again === error, "a refusal is final");
    reader.jump(headSize);
    reader.feed(v.file.subarray(headSize));
    await assert.rejects(reader.next(), (again) => again === error, "a jump has healed a reader that had failed");
  });
}

test("a file says the same in whatever pieces it comes", async () => {
  const v = vector("ok");
  const whole = await readAll(readerOf(v, v.file));
  const random = randomFrom(1);
  const cuts = { "byte by byte": () => 1, "in random pieces": () => 1 + Math.floor(random() * 700) };
  for (const [how, length] of Object.entries(cuts)) {
    const reader = readerOf(v);
    const blocks = [];
    for (const piece of pieces(v.file, length)) {
      reader.feed(piece);
      blocks.push(...(await readAll(reader, false)).blocks);
    }
    assert.deepEqual(blocks, whole.blocks, how);
    assert.ok(reader.ended, how);
    assert.equal(reader.offset, v.file.length, how);
  }
});

test("vectors are refused alike in pieces", async () => {
  for (const v of vectors()) {
    const reader = readerOf(v);
    const all = { packets: 0, result: "ErrCutOff" };
    for (const piece of pieces(v.file, () => 97)) {
      reader.feed(piece);
      const { packets, result, error } = await readAll(reader, false);
      all.packets += packets.length;
      all.result = result;
      if (error) break;
    }
    assert.deepEqual(all, { packets: v.packets, result: v.expect }, v.name);
  }
});

test("the head says what the show is", async () => {
  const show = makeShow(1, { random: randomFrom(2) });
  const reader = new SealedReader(show.key);
  assert.equal(reader.head, null);
  reader.feed(show.file.subarray(0, headSize));
  assert.equal(await reader.next(), null);
  assert.deepEqual(reader.head, {
    channels: 1,
    preSkip: 312,
    title: "Town hall",
    speaker: "@alice:example.org",
    started: new Date("2026-11-23T09:17:22.479Z"),
  });
  assert.equal(reader.headPages.length, 1103);
  assert.equal(reader.first, headSize);
  assert.equal(reader.offset, headSize);
});

test("blocks know their place and time", async () => {
  const show = makeShow(5, { size: varying, random: randomFrom(3) });
  const { blocks, packets } = await readAll(fed(show));
  samePackets(packets, show.packets);
  const end = blocks.pop();
  assert.deepEqual(blocks.map(placeOf), show.blocks);
  assert.deepEqual([end.last, end.start, end.end, end.packets], [true, 24000, 24000, []]);
});

test("a sign of life has no packets and stands at the sample so far", async () => {
  const show = makeShow(2, { random: randomFrom(4), signs: (block) => (block === 1 ? 2 : 0) });
  const { blocks } = await readAll(fed(show));
  assert.deepEqual(
    blocks.map(({ start, end, packets, last }) => [start, end, packets.length, last]),
    [
      [0, 4800, 5, false],
      [4800, 4800, 0, false],
      [4800, 4800, 0, false],
      [4800, 9600, 5, false],
      [9600, 9600, 0, true],
    ],
  );
  const reader = fed(show);
  await reader.next();
  reader.jump(show.blocks[0].offset + 1);
  reader.feed(show.file.subarray(reader.offset));
  assert.equal((await reader.next()).start, 4800, "after a jump signs of life are passed over");
});

test("a jump lands on the next block and knows its time", async () => {
  const v = vector("ok");
  const whole = await readAll(readerOf(v, v.file));
  for (let offset = headSize; offset < v.file.length; offset++) {
    const reader = readerOf(v, v.file.subarray(0, headSize));
    await reader.next();
    reader.jump(offset);
    reader.feed(v.file.subarray(offset));
    const want = whole.blocks.filter((block) => block.offset >= offset);
    const got = await readAll(reader);
    assert.equal(got.error, null, `jump to ${offset}`);
    assert.equal(got.blocks.length, want.length, `jump to ${offset}`);
    if (want.length > 1) assert.deepEqual(got.blocks, want, `jump to ${offset}`);
    else
      assert.deepEqual(
        got.packets,
        want.flatMap((block) => block.packets),
        `jump to ${offset}`,
      ); // a trimmed end alone does not tell its start
  }
});

test("a jump does not wait for bytes that a false beginning promises when none will come", async () => {
  const show = makeShow(3, { random: randomFrom(5) });
  const at = show.blocks[1].offset;
  const promise = Buffer.from("ffffffff00000000f0ff0f0000000000", "hex"); // a header of the largest block
  const reader = fed(show);
  await reader.next();
  reader.jump(at - promise.length);
  reader.feed(promise);
  reader.feed(show.file.subarray(at));
  assert.equal(await reader.next(), null, "more bytes may come");
  assert.equal((await reader.next(true)).offset, at);
});

test("bytes of ones before a block do not make a jump wait for a longer one", async () => {
  const sequence = 70_000;
  for (const before of [100, 8000, 64_000]) {
    const offset = headSize + before * (sequence - 1);
    for (const sizes of [[100], [600], [8000], [40_000, 25_215]]) {
      const pages = sizes.map((size, i) =>
        page({ sequence: i + 2, granule: 960 * (i + 1), packets: [new Uint8Array(size).fill(0x78)] }),
      );
      const block = sealed.block(Buffer.concat(pages), sequence);
      for (let ones = 0; ones <= 3; ones++) {
        const reader = fed(blank);
        await reader.next();
        reader.jump(offset - ones);
        reader.feed(new Uint8Array(ones).fill(0xff));
        reader.feed(block);
        const message = `${ones} bytes of ones, ${block.length} bytes behind blocks of ${before}`;
        assert.equal((await reader.next())?.offset, offset, message);
      }
    }
  }
});

test("no flipped bit gives a packet that the sound file does not have", async () => {
  const show = makeShow(2, { random: randomFrom(6) });
  for (let at = 0; at < show.file.length; at++) {
    const file = show.file.slice();
    file[at] ^= 1 << (at % 8);
    const { packets, result } = await readAll(fed({ ...show, file }));
    const checksum = checksumsOf(show).some((field) => at >= field && at < field + 4);
    if (checksum) {
      assert.equal(result, "ok", `byte ${at}: a wrong checksum is no reason to refuse`);
      continue;
    }
    assert.notEqual(result, "ok", `byte ${at}: not noticed`);
    samePackets(packets, show.packets.slice(0, packets.length), `byte ${at}`);
    const before = show.blocks.filter((block) => block.offset + block.size <= at);
    assert.equal(packets.length, 5 * before.length, `byte ${at}`);
  }
});

test("reading goes on after rewind wherever the bytes ended", async () => {
  const show = makeShow(2, { random: randomFrom(7) });
  for (let cut = 0; cut <= show.file.length; cut++) {
    const reader = new SealedReader(show.key);
    reader.feed(show.file.subarray(0, cut));
    const before = await readAll(reader);
    reader.rewind();
    reader.feed(show.file.subarray(reader.offset));
    const after = await readAll(reader);
    assert.equal(after.result, "ok", `cut at ${cut}`);
    samePackets([...before.packets, ...after.packets], show.packets, `cut at ${cut}`);
  }
});

test("a block that is being opened while the reader is sent elsewhere is not given out", async () => {
  const show = makeShow(4, { random: randomFrom(8) });
  for (const send of [(reader) => reader.rewind(), (reader) => reader.jump(show.blocks[2].offset)]) {
    const reader = fed(show);
    await reader.next();
    const pending = reader.next();
    send(reader);
    reader.feed(show.file.subarray(reader.offset));
    assert.equal(await pending, null);
    const { offset } = reader;
    assert.equal((await reader.next()).offset, offset);
  }
});

test("of two calls at once one gives the block", async () => {
  const show = makeShow(2, { random: randomFrom(12) });
  for (const read of [0, 1]) {
    // block 0 is still to be read, or not
    const reader = fed(show);
    for (let i = 0; i < read; i++) await reader.next();
    const [first, second] = await Promise.all([reader.next(), reader.next()]);
    assert.equal(first, null);
    assert.equal(second.offset, show.blocks[read].offset);
    assert.equal((await readAll(reader)).result, "ok");
  }
});

test("packets stay as they are when more is read, and fed bytes may change", async () => {
  const show = makeShow(3, { random: randomFrom(9) });
  const reader = new SealedReader(show.key);
  const piece = show.file.slice();
  reader.feed(piece);
  piece.fill(0);
  samePackets((await readAll(reader)).packets, show.packets);
});

test("more may be fed while a block is being opened", async () => {
  const show = makeShow(60, { random: randomFrom(13) });
  const reader = new SealedReader(show.key);
  const { capacity } = reader;
  reader.feed(show.file.subarray(0, capacity));
  const blocks = [await reader.next(), await reader.next()];
  const pending = reader.next();
  reader.feed(show.file.subarray(capacity, capacity + 900)); // moves what is unread
  assert.equal(reader.capacity, capacity);
  blocks.push(await pending);
  reader.feed(show.file.subarray(capacity + 900)); // needs more room
  blocks.push(...(await readAll(reader)).blocks);
  samePackets(
    blocks.flatMap((block) => block.packets),
    show.packets,
  );
});

const packet = Uint8Array.of(0x78, 1, 2, 3);
const sound = (sequence, more) => page({ sequence, granule: 960 * (sequence - 1), packets: [packet], ...more });
const end = (sequence, more) => page({ sequence, granule: -1, flags: 4, ...more });

for (const [name, want, before, ...payloads] of [
  ["several pages in a block", "ok", 2, Buffer.concat([sound(2), sound(3)]), end(4)],
  ["a page behind the end", "ErrMalformed", 0, Buffer.concat([end(2), end(3)])],
  ["an empty page that is not the last", "ErrMalformed", 1, sound(2), page({ sequence: 3, granule: -1 })],
  ["an end before the page before it", "ErrMalformed", 1, sound(2), sound(3, { granule: 959, flags: 4 })],
  ["an end where the page before it ended", "ok", 2, sound(2), sound(3, { granule: 960, flags: 4 })],
]) {
  test(`payload: ${name}`, async () => {
    const file = Buffer.concat([
      blank.file.subarray(0, headSize),
      ...payloads.map((pages, i) => sealed.block(pages, i + 1)),
    ]);
    const { packets, result } = await readAll(fed({ ...blank, file }));
    assert.equal(result, want);
    assert.equal(packets.length, before);
  });
}

test("block 0 has the number 0", async () => {
  const file = Buffer.concat([
    Buffer.from("MXC\x03"),
    sealed.block(await headPagesOf(blank), 5),
    sealed.block(sound(2), 1),
  ]);
  const { result } = await readAll(fed({ ...blank, file }));
  assert.equal(result, "ErrMalformed");
});

test("a sign of life that was taken away is missed", async () => {
  const file = Buffer.concat([blank.file.subarray(0, headSize), sealed.block(sound(2), 1), sealed.block(sound(3), 3)]);
  const { packets, error } = await readAll(fed({ ...blank, file }));
  assert.deepEqual([error.code, error.sequence, packets.length], ["Order", 3, 1]);
  assert.equal(error.offset, file.length - sealed.block(sound(3), 3).length);
});

test("memory does not grow with the file", async () => {
  const show = makeShow(1000, { random: randomFrom(10) });
  const reader = new SealedReader(show.key);
  let packets = 0;
  for (const piece of pieces(show.file, () => 4000)) {
    reader.feed(piece);
    packets += (await readAll(reader, false)).packets.length;
  }
  assert.equal(packets, show.packets.length);
  assert.ok(show.file.length > 20 * reader.capacity, `${reader.capacity} bytes for a file of ${show.file.length}`);
});

test("bytes behind the end are not kept", async () => {
  const show = makeShow(1, { random: randomFrom(11) });
  const reader = fed(show);
  await readAll(reader);
  const { capacity } = reader;
  reader.feed(new Uint8Array(1 << 20));
  assert.equal(await reader.next(), null);
  assert.equal(reader.capacity, capacity);
  assert.equal(reader.offset, show.file.length);
});

test("keys are read strictly", () => {
  const { key } = vector("ok");
  assert.deepEqual(
    parseKey(key).secret,
    Uint8Array.from({ length: 32 }, (_, i) => i),
  );
  assert.deepEqual(
    parseKey(key).iv,
    Uint8Array.from({ length: 12 }, (_, i) => 0xa0 + i),
  );
  for (const bad of ["", key.slice(1), `${key}A`, `${key.slice(1)}=`, `${key.slice(1)}+`, `${key.slice(0, -1)}t`]) {
    assert.throws(() => parseKey(bad), { code: "WrongKey" }, bad);
  }
});

test("a jump needs block 0", () => {
  assert.throws(() => new SealedReader(parseKey(vector("ok").key)).jump(headSize), /block 0/);
});

function fed(show) {
  const reader = new SealedReader(show.key);
  reader.feed(show.file);
  return reader;
}

async function headPagesOf(show) {
  const reader = fed(show);
  await reader.next();
  return reader.headPages;
}

const placeOf = ({ sequence, offset, start, end, size }) => ({ sequence, offset, start, end, size });

function checksumsOf({ blocks, file }) {
  const end = blocks.at(-1).offset + blocks.at(-1).size;
  assert.ok(end < file.length);
  return [4, ...blocks.map((block) => block.offset), end].map((header) => header + 12);
}
