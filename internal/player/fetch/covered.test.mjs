import assert from "node:assert/strict";
import { test } from "node:test";
import { parseLink } from "../format/link.js";
import { gatewayWith } from "../testing/gateway.mjs";
import { randomFrom } from "../testing/read.mjs";
import { fragment, makeShow, page, plain, sealed } from "../testing/show.mjs";
import { Stream } from "./stream.js";

const hex = (packet) => Buffer.from(packet).toString("hex");

/**
 * A show, and the same with a stretch of another between two of its checkpoints, as a member can make it who
 * has the key, or of a plain show anybody.
 */
function forge(layout, count, from, to) {
  const show = makeShow(count, { layout, signed: true, random: randomFrom(1) });
  const other = makeShow(count, { layout, signed: true, random: randomFrom(2) });
  const at = (i) => show.blocks[i].offset;
  const file = Uint8Array.from(show.file);
  file.set(other.file.subarray(at(from), at(to)), at(from));
  const packets = new Set(other.packets.map(hex));
  const isForged = (block) => block.packets.some((packet) => packets.has(hex(packet)));
  return { show, file, at, isForged };
}

/** Reads on behind blocks that were heard. Returns whether the show was refused. */
async function isRefused(stream, blocks, most) {
  try {
    for (let block; blocks.length < most && (block = await stream.read()); ) {
      blocks.push(block);
      if (block.last) break;
    }
    return false;
  } catch (error) {
    assert.equal(error.code, "Checkpoint");
    return true;
  }
}

for (const [name, layout] of Object.entries({ sealed, plain })) {
  test(`${name}: who goes live hears nothing false that is not exposed`, async (t) => {
    const { show, file, at, isForged } = forge(layout, 300, 105, 150);
    const gateway = gatewayWith(t, show.file);
    gateway.size = at(141);
    const stream = new Stream("http://g/live/x");
    await stream.open(parseLink(fragment({ layout })));
    file.fill(0, at(20), at(105)); // nothing opens there, so it is passed over
    Object.assign(gateway, { file, size: file.length, finished: false });
    const answer = fetch;
    t.mock.method(globalThis, "fetch", async (url, options) => {
      const response = await answer(url, options);
      if (options.method !== "HEAD") return response;
      return new Response(null, { status: 206, headers: { "Content-Range": `bytes 0-${at(141) - 1}/*` } });
    });
    const { blocks, start } = await stream.goLive(48000);
    const heard = blocks.filter(({ end }) => end > start);
    const refused = await isRefused(stream, heard, 300);
    assert.ok(heard.length > 0);
    assert.ok(refused || !heard.some(isForged));
  });

  test(`${name}: a seek leads to nothing false that is not exposed`, async (t) => {
    const { show, file, at, isForged } = forge(layout, 3200, 3001, 3050);
    const packet = Buffer.alloc(80);
    packet[0] = 0x78;
    const pages = page({ sequence: 70000, granule: 2 ** 40, packets: [packet] });
    const future = new Uint8Array(layout === sealed ? sealed.block(pages, 69999) : pages);
    const gateway = gatewayWith(t, show.file);
    gateway.finished = true;
    const stream = new Stream("http://g/live/x");
    await stream.open(parseLink(fragment({ layout })));
    const lies = [show.file.subarray(at(10)), future, file.subarray(at(3001))];
    t.mock.method(globalThis, "fetch", async (_url, { headers }) => {
      const [first, last] = headers.Range.match(/\d+/g).map(Number);
      const body = (lies.shift() ?? file.subarray(first)).subarray(0, Math.min(last + 1, file.length) - first);
      const range = `bytes ${first}-${first + body.length - 1}/${file.length}`;
      return new Response(body, { status: 206, headers: { "Content-Range": range } });
    });
    const heard = [await stream.seekTo(show.blocks[3003].start + 14400)];
    assert.ok((await isRefused(stream, heard, 60)) || !heard.some(isForged));
  });
}
