import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

import { parseLink } from "../format/link.js";
import { gatewayWith } from "../testing/gateway.mjs";
import { randomFrom } from "../testing/read.mjs";
import { fragment, makeShow, plain, sealed, strangerKey } from "../testing/show.mjs";
import { Saved, saveShow } from "./save.js";
import { Stream } from "./stream.js";

const url = "http://gateway.test/live/x";

async function openStream(link = fragment()) {
  const stream = new Stream(url);
  await stream.open(parseLink(link));
  return stream;
}

for (const [name, layout] of Object.entries({ sealed, plain })) {
  test(`${name}: a seek in a signed show costs one request, and all that is played is covered by checkpoints`, async (t) => {
    const { file, blocks } = makeShow(6000, { signed: true, layout, random: randomFrom(1) });
    const gateway = gatewayWith(t, file);
    gateway.finished = true;
    const stream = await openStream(fragment({ layout }));
    for (const second of [300, 7, 599, 0, 123.4, 4.9, 5.1]) {
      gateway.asked = [];
      const block = await stream.seekTo(48_000 * second);
      const want = blocks.find(({ end }) => end > Math.max(0, 48_000 * second - 14_400));
      assert.equal(block.offset, want.offset, `second ${second}`);
      assert.equal(gateway.asked.length, 1, `second ${second}: ${gateway.asked}`);
      assert.ok(stream.checkpoint, `second ${second}`);
      stream.release();
    }
  });
}

for (const signed of [true, false]) {
  test(`signed ${signed}: a show that begins with signs of life is found with one request`, async (t) => {
    const { file, blocks } = makeShow(300, { signed, random: randomFrom(1), signs: (i) => (i === 0 ? 5 : 0) });
    const gateway = gatewayWith(t, file);
    gateway.finished = true;
    const stream = await openStream(fragment({ signed }));
    gateway.asked = [];
    const block = await stream.seekTo(0);
    assert.equal(block.offset, blocks[0].offset);
    assert.equal(gateway.asked.length, 1, `${gateway.asked}`);
  });
}

test("whoever goes to the edge of a signed show knows at once when it was spoken", async (t) => {
  const { file, blocks } = makeShow(300, { signed: true, random: randomFrom(1), signs: (i) => (i === 250 ? 20 : 0) });
  const gateway = gatewayWith(t, file);
  gateway.size = blocks[280].offset;
  const stream = await openStream();
  gateway.asked = [];
  const { blocks: tail, start } = await stream.goLive(9600);
  assert.deepEqual([stream.offset, start], [gateway.size, 280 * 4800 - 9600]);
  assert.ok(tail[0].end > start - 14_400 && tail[0].start <= start - 14_400);
  assert.equal(gateway.asked.length, 1);
  assert.ok(stream.checkpoint);
});

test("a false edge leads nowhere for longer than until the next answer", async (t) => {
  const { file, blocks } = makeShow(300, { signed: true, random: randomFrom(1) });
  const gateway = gatewayWith(t, file);
  gateway.size = blocks[280].offset;
  const stream = await openStream();
  const answer = fetch;
  let lies = 1;
  t.mock.method(globalThis, "fetch", async (url, options) => {
    if (options.method !== "HEAD" || lies-- <= 0) return answer(url, options);
    return new Response(null, { status: 206, headers: { "Content-Range": "bytes 0-99999999/*" } });
  });
  const { blocks: tail } = await stream.goLive(9600);
  assert.equal(stream.offset, gateway.size);
  assert.ok(tail.length > 0);
});

test("the newest checkpoint is looked for where the show has got to, not at a false edge", async (t) => {
  const { file, blocks } = makeShow(300, { signed: true, random: randomFrom(1) });
  const gateway = gatewayWith(t, file);
  gateway.size = blocks[280].offset;
  const answer = fetch;
  let lies = 1;
  t.mock.method(globalThis, "fetch", async (url, options) => {
    if (options.method !== "HEAD" || lies-- <= 0) return answer(url, options);
    return new Response(null, { status: 206, headers: { "Content-Range": "bytes 0-99999999/*" } });
  });
  const stream = await openStream();
  await stream.readTail();
  assert.ok(stream.checkpoint);
});

test("no more is read before an edge than sound can be there", async (t) => {
  const { file } = makeShow(20_000, {
    layout: plain,
    size: (random) => 200 + Math.floor(1000 * random()),
    random: randomFrom(1),
  });
  const gateway = gatewayWith(t, file);
  const stream = await openStream(fragment({ layout: plain, signed: false }));
  gateway.asked = [];
  await stream.goLive(48_000 * 100_000);
  const [first] = gateway.asked[0].match(/\d+/g).map(Number);
  assert.ok(file.length - first <= 2 << 20, `${file.length - first} bytes`);
});

test("the edge of a show that has just begun is its beginning", async (t) => {
  const { file, blocks } = makeShow(9, { signed: true, random: randomFrom(1) });
  const gateway = gatewayWith(t, file);
  gateway.size = blocks[1].offset;
  const stream = await openStream();
  const { blocks: tail } = await stream.goLive(9600);
  assert.deepEqual(
    tail.map(({ offset }) => offset),
    [blocks[0].offset],
  );
});

test("a link whose signer or hash is damaged opens nothing", async (t) => {
  gatewayWith(t, makeShow(9, { signed: true, random: randomFrom(1) }).file);
  for (const link of [fragment().slice(0, -1), `${fragment()}&signer=`, `${fragment()}A`, `${fragment()}&sha256=AA`]) {
    await assert.rejects(openStream(link), { code: "WrongKey" });
  }
});

/** Saves a show; the result, and how many bytes were written. */
async function save(link, write = async () => {}) {
  let size = 0;
  const count = (bytes) => {
    size += bytes.length;
    return write(bytes);
  };
  let result;
  try {
    result = await saveShow(url, parseLink(link), count, () => {}, new AbortController().signal);
  } catch (error) {
    result = error.code;
  }
  return [result, size];
}

test("a download is complete only with the end, and with the hash that the room was told", async (t) => {
  for (const signed of [true, false]) {
    const { file, blocks } = makeShow(130, { signed, layout: plain, random: randomFrom(1) });
    const gateway = gatewayWith(t, file);
    gateway.finished = true;
    const hash = createHash("sha256").update(file).digest("base64url");
    const another = createHash("sha256").update("another").digest("base64url");
    const link = (sha256) => fragment({ signed, layout: plain, more: sha256 && `sha256=${sha256}` });
    assert.deepEqual(await save(link("")), [signed ? Saved.WHOLE : Saved.CLAIMED, file.length]);
    assert.deepEqual(await save(link(hash)), [Saved.WHOLE, file.length]);
    assert.deepEqual(await save(link(another)), [Saved.ANOTHER, file.length]);
    gateway.finished = false;
    gateway.size = blocks[120].offset;
    assert.deepEqual(await save(link("")), [Saved.SO_FAR, signed ? blocks[101].offset : gateway.size]);
    gateway.finished = true;
    assert.deepEqual(await save(link("")), ["CutOff", signed ? blocks[101].offset : gateway.size]);
  }
});

test("whoever has the key can have made the end of a show that is not signed", async (t) => {
  const { file } = makeShow(9, { random: randomFrom(1) });
  gatewayWith(t, file).finished = true;
  const hash = createHash("sha256").update(file).digest("base64url");
  assert.equal((await save(fragment({ signed: false })))[0], Saved.CLAIMED);
  assert.equal((await save(fragment({ signed: false, more: `sha256=${hash}` })))[0], Saved.WHOLE);
});

test("what waits for a checkpoint is bounded", async (t) => {
  const { file } = makeShow(60, { signed: true, layout: plain, random: randomFrom(1), size: () => 12_800 });
  gatewayWith(t, file).finished = true;
  assert.equal((await save(fragment({ layout: plain })))[0], "Checkpoint");
});

test("nothing is saved that the station did not sign", async (t) => {
  const show = makeShow(130, { signed: true, random: randomFrom(1) });
  const forged = makeShow(130, { signed: true, random: randomFrom(2), signedWith: strangerKey });
  const at = show.blocks[60].offset;
  const gateway = gatewayWith(t, Buffer.concat([show.file.subarray(0, at), forged.file.subarray(at)]));
  gateway.finished = true;
  let packets = 0;
  const [result] = await save(fragment(), async (pages) => (packets += pages.length > 0 ? 1 : 0));
  assert.deepEqual([result, packets], ["Checkpoint", 1 + 51]);
});
