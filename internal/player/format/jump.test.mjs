import assert from "node:assert/strict";
import { test } from "node:test";
import { saveShow } from "../fetch/save.js";
import { gatewayWith } from "../testing/gateway.mjs";
import { randomFrom, readAll } from "../testing/read.mjs";
import { fragment, makeShow, page, plain, sealed } from "../testing/show.mjs";
import { parseLink } from "./link.js";
import { PlainReader } from "./plain.js";
import { SealedReader } from "./sealed.js";

for (const [name, layout] of Object.entries({ sealed, plain })) {
  test(`${name}: block 0 does not pass for another, wherever a jump leads`, async () => {
    const show = makeShow(3, { layout, random: randomFrom(1) });
    const packet = Buffer.alloc(80);
    packet[0] = 0x78;
    const pages = page({ sequence: 1, granule: 960, packets: [packet] });
    for (const [offset, want] of [
      [show.first, "ErrMalformed"],
      [show.first + 1, "ErrMalformed"],
    ]) {
      const reader = layout === sealed ? new SealedReader(show.key) : new PlainReader();
      reader.feed(show.file.subarray(0, show.first));
      await reader.next();
      reader.jump(offset);
      reader.feed(new Uint8Array(layout === sealed ? sealed.block(pages, 0) : pages));
      assert.equal((await readAll(reader)).result, want);
    }
  });

  for (const signed of [false, true]) {
    test(`${name}, signed ${signed}: a download has the beginning, or is not complete`, async (t) => {
      const show = makeShow(100, { layout, random: randomFrom(3), signed });
      const rest = show.file.subarray(show.blocks[60].offset);
      const file = new Uint8Array(Buffer.concat([show.file.subarray(0, show.first), rest]));
      const gateway = gatewayWith(t, file);
      gateway.finished = true;
      const answer = fetch; // the first request, of the head, is answered as it should be
      t.mock.method(globalThis, "fetch", async (url, options) => {
        const isFirst = /=0-\d/.test(options.headers.Range) && options.method !== "HEAD";
        gateway.file = isFirst ? show.file : file;
        gateway.size = gateway.file.length;
        const response = await answer(url, options);
        if (!isFirst) return response;
        const range = response.headers.get("Content-Range").replace(/\/.*/, `/${file.length}`);
        return new Response(response.body, { status: response.status, headers: { "Content-Range": range } });
      });
      const link = parseLink(fragment({ signed, layout }));
      const nothing = () => {};
      const saving = saveShow("http://x/live/y", link, async () => {}, nothing, new AbortController().signal);
      await assert.rejects(saving, { name: "BlockError" });
    });
  }
}

/** Bytes in which a block seems to begin every so often, none of which opens. */
const JUNK = {
  sealed() {
    const junk = new DataView(new ArrayBuffer(2 << 20));
    for (let at = 0; at + 16 <= junk.byteLength; at += 16) {
      junk.setUint32(at, 0xffffffff);
      junk.setUint32(at + 8, (1 << 20) - 32, true);
    }
    return new Uint8Array(junk.buffer);
  },
  plain() {
    const junk = Buffer.alloc(1 << 20, 255);
    for (let at = 0; at + 27 < junk.length; at += 27) junk.write("OggS\0", at);
    return new Uint8Array(junk);
  },
};

for (const [name, layout] of Object.entries({ sealed, plain })) {
  test(`${name}: junk behind a jump is refused before it keeps the page busy`, async () => {
    const show = makeShow(3, { layout, random: randomFrom(1) });
    const reader = layout === sealed ? new SealedReader(show.key) : new PlainReader();
    reader.feed(show.file.subarray(0, show.first));
    await reader.next();
    reader.jump(show.first + 1);
    reader.feed(JUNK[name]());
    const { error } = await readAll(reader, false);
    assert.equal(error?.code, "Forged");
  });

  test(`${name}: the longest block is found behind another`, async () => {
    const show = makeShow(3, { layout, random: randomFrom(1) });
    const reader = layout === sealed ? new SealedReader(show.key) : new PlainReader();
    reader.feed(show.file.subarray(0, show.first));
    await reader.next();
    reader.jump(show.first + 1);
    const hidden = new Uint8Array(1 << 20);
    reader.feed(hidden);
    reader.feed(show.file.subarray(show.blocks[1].offset));
    const { blocks } = await readAll(reader);
    assert.equal(blocks[0].start, show.blocks[1].start);
  });
}
