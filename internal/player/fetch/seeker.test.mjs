import assert from "node:assert/strict";
import { test } from "node:test";
import { PlainReader } from "../format/plain.js";
import { BlockError } from "../format/refusal.js";
import { SealedReader } from "../format/sealed.js";
import { parseSeekTable } from "../format/seektable.js";
import { randomFrom, samePackets } from "../testing/read.mjs";
import { makeShow, plain, sealed, varying } from "../testing/show.mjs";
import { Seeker } from "./seeker.js";

/** A show, a seeker over it, and how often it has jumped and read. */
async function place(show, reader = new SealedReader(show.key)) {
  reader.feed(show.file.subarray(0, show.first));
  await reader.next();
  const read = async () => {
    place.reads++;
    const block = await reader.next(true);
    if (!block) throw new BlockError("CutOff", reader);
    return block;
  };
  const place = { show, reader, read, jumps: 0, reads: 0 };
  place.seeker = new Seeker(
    show.first,
    (offset) => {
      place.jumps++;
      reader.jump(offset);
      reader.feed(show.file.subarray(offset));
      return read();
    },
    read,
  );
  return place;
}

/** Seeks, and compares what follows with what a reader from the beginning would have had there. */
async function seek({ show, seeker, reader, read }, sample) {
  const block = await seeker.seekTo(sample);
  let index = show.blocks.findIndex((b) => sample < b.end);
  if (index < 0) index = show.blocks.length;
  else assert.equal(block.offset, show.blocks[index].offset, `seek to ${sample}`);
  const packets = [...block.packets];
  for (let i = 0; i < 3 && !reader.ended; i++) packets.push(...(await read()).packets);
  samePackets(packets, show.packets.slice(5 * index, 5 * index + packets.length), `seek to ${sample}`);
}

for (const [name, layout, newReader] of [
  ["sealed", sealed, (show) => new SealedReader(show.key)],
  ["plain", plain, () => new PlainReader()],
]) {
  test(`${name}: with blocks of one size a seek is one jump`, async () => {
    for (const signed of [false, true]) {
      const random = randomFrom(1);
      const show = makeShow(3000, { layout, random, signed });
      const at = await place(show, newReader(show));
      await seek(at, 0); // teaches the size of a block
      for (let i = 0; i < 50; i++) {
        [at.jumps, at.reads] = [0, 0];
        await seek(at, Math.floor(random() * 3000 * 4800));
        assert.equal(at.jumps, 1);
        assert.ok(at.reads < 9, `${at.reads} blocks read`);
      }
    }
  });
}

test("signs of life make a guess early, not late", async () => {
  const at = await place(makeShow(600, { random: randomFrom(2), signs: (block) => (block === 300 ? 360 : 0) })); // an hour of silence
  await seek(at, 0);
  for (let sample = 7; sample < 600 * 4800; sample += 30 * 4800) {
    at.jumps = 0;
    await seek(at, sample);
    assert.equal(at.jumps, 1, `seek to ${sample}`);
  }
});

test("blocks of any size cost some guesses, with a table one", async () => {
  const show = makeShow(3000, { size: varying, random: randomFrom(3) });
  const table = tableOf(show.blocks.filter((_, i) => i % 100 === 0));
  for (const [text, limit] of [
    ["", 150],
    [table, 50],
  ]) {
    const random = randomFrom(4);
    const at = await place(show);
    at.seeker.table = parseSeekTable(text);
    await seek(at, 0);
    at.jumps = 0;
    for (let i = 0; i < 50; i++) await seek(at, Math.floor(random() * 3000 * 4800));
    assert.ok(at.jumps <= limit, `${at.jumps} jumps for 50 seeks, at most ${limit} are right`);
  }
});

test("every moment is found", async () => {
  for (const size of [() => 80, varying]) {
    const at = await place(makeShow(12, { size, random: randomFrom(5) }));
    for (let sample = -10; sample < 12 * 4800 + 10; sample += 239) await seek(at, sample);
  }
});

test("beyond the end is the last block", async () => {
  for (const size of [() => 80, varying]) {
    const at = await place(makeShow(30, { size, random: randomFrom(6) }));
    for (const known of [0, at.show.file.length]) {
      at.seeker.size = known;
      at.jumps = 0;
      const block = await at.seeker.seekTo(2 ** 40);
      assert.ok(block.last);
      assert.equal(block.packets.length, 0);
      if (known > 0) assert.ok(at.jumps <= 2, `${at.jumps} jumps`);
      await seek(at, 0);
    }
  }
});

test("a wrong table costs only jumps", async () => {
  const show = makeShow(200, { random: randomFrom(7) });
  const at = await place(show);
  at.seeker.table = parseSeekTable(
    tableOf([
      { offset: 1142, start: 0 },
      { offset: show.blocks[150].offset + 9, start: 9600 },
      { offset: show.file.length + 500, start: 150 * 4800 },
    ]),
  );
  for (let sample = 0; sample < 200 * 4800; sample += 4801) {
    at.jumps = 0;
    await seek(at, sample);
    assert.ok(at.jumps <= 7, `${at.jumps} jumps`);
  }
});

test("what is far ahead of the block found is jumped to, not read", async () => {
  const show = makeShow(2000, { random: randomFrom(9) });
  const at = await place(show);
  await at.seeker.seekTo(0);
  at.seeker.table = parseSeekTable(tableOf([{ offset: show.first, start: 1900 * 4800 }]));
  [at.jumps, at.reads] = [0, 0];
  await at.seeker.seekTo(1950 * 4800);
  assert.equal(at.jumps, 2);
  assert.ok(at.reads < 50, `${at.reads} blocks read`);
});

test("where nothing can be read, a seek says why", async () => {
  const broken = new Error("no route");
  const fails = () => Promise.reject(broken);
  await assert.rejects(new Seeker(1139, fails, fails).seekTo(4800), (error) => error === broken);
  const cutOff = () => Promise.reject(new BlockError("CutOff"));
  await assert.rejects(new Seeker(1139, cutOff, cutOff).seekTo(4800), { code: "CutOff" });
});

test("what is known of bytes and samples", async () => {
  const { show, seeker, read } = await place(makeShow(3, { random: randomFrom(8) }));
  assert.deepEqual([seeker.rate(), seeker.bytes(48000)], [{ bytes: 0, samples: 0 }, 0]);
  await seeker.seekTo(0);
  const { size } = show.blocks[0];
  assert.deepEqual([seeker.rate(), seeker.bytes(48000)], [{ bytes: size, samples: 4800 }, 10 * size]);
  seeker.learn(await read());
  assert.equal(seeker.rate().bytes, size);
  seeker.learn({ offset: 5139, size: 999, start: 48000, end: 52800, packets: [new Uint8Array(1)], last: false });
  assert.deepEqual(seeker.rate(), { bytes: 4000, samples: 48000 });
});

test("seek tables", () => {
  const table = parseSeekTable(
    tableOf([
      { offset: 1139, start: 0 },
      { offset: 2000, start: 480000 },
      { offset: 2 ** 47, start: 2 ** 46 },
    ]),
  );
  for (const [sample, offset] of [
    [-1, null],
    [0, 1139],
    [479999, 1139],
    [480000, 2000],
    [2 ** 46 - 1, 2000],
    [2 ** 46, 2 ** 47],
    [2 ** 53, 2 ** 47],
  ]) {
    assert.equal(table.lookup(sample), offset, `sample ${sample}`);
  }
  assert.equal(parseSeekTable("gwmAlPgE").lookup(10 ** 9), 1155, "as Go writes it");
  const tooLong = tableOf(Array.from({ length: 2050 }, (_, i) => ({ offset: i, start: i })));
  const tooFar = tableOf([{ offset: 2 ** 49, start: 0 }]);
  for (const damaged of ["", "!", "gA", "AAAA", "_____________________w", tooLong, tooFar]) {
    assert.equal(parseSeekTable(damaged).lookup(10 ** 9), null, damaged.slice(0, 30));
  }
});

/** What SeekTable.String of opusblocks writes. */
function tableOf(places) {
  const raw = [];
  let last = { offset: 0, start: 0 };
  for (const place of places) {
    for (let n of [place.offset - last.offset, place.start - last.start]) {
      for (; n >= 128; n = Math.floor(n / 128)) raw.push((n % 128) | 128);
      raw.push(n);
    }
    last = place;
  }
  return Buffer.from(raw).toString("base64url");
}
