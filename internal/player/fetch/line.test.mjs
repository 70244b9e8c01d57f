import assert from "node:assert/strict";
import { test } from "node:test";
import { gatewayWith } from "../testing/gateway.mjs";
import { Line } from "./line.js";

const file = new Uint8Array(1000);
const answer = (range, body = null, status = 206) =>
  new Response(body, { status, headers: { "Content-Range": range } });

/** A line to a gateway that has a running file; `lies` are the answers that come first. */
function lineTo(t, { GET = [], HEAD = [] } = {}) {
  const gateway = gatewayWith(t, file);
  const honest = fetch;
  const lies = { GET, HEAD };
  t.mock.method(
    globalThis,
    "fetch",
    async (url, options) => lies[options.method ?? "GET"].shift() ?? honest(url, options),
  );
  return { gateway, line: new Line("http://gateway.test/live/x") };
}

test("no more is read than was asked for, whatever comes", async (t) => {
  let pulled = 0;
  const endless = new ReadableStream({
    pull: (to) => (pulled++ < 1000 ? to.enqueue(new Uint8Array(64)) : to.error(new Error("this would never end"))),
  });
  const { line } = lineTo(t, { GET: [answer("bytes 0-99/*", endless)] });
  assert.equal((await line.fetch(0, 99)).length, 100);
  assert.ok(pulled < 10, `${pulled} chunks`);
});

test("an answer without bytes is a failure, after which it is asked more slowly", async (t) => {
  const { line } = lineTo(t, { GET: [answer("bytes 0-0/*"), answer("bytes 0-0/*", "")] });
  await assert.rejects(line.read());
  line.release();
  await assert.rejects(line.read());
  line.release();
  assert.equal((await line.read()).length, 1000);
});

test("a running show that refuses what is to come goes on", async (t) => {
  const { gateway, line } = lineTo(t, { GET: [new Response(null, { status: 416 })] });
  await assert.rejects(line.read());
  assert.equal(line.size, 0);
  gateway.finished = true;
  line.jump(500);
  gateway.size = 500;
  assert.equal(await line.read(), null);
  assert.equal(line.size, 500);
});

test("a finished show does not refuse what it has", async (t) => {
  const { gateway, line } = lineTo(t, { GET: [new Response(null, { status: 416 })] });
  gateway.finished = true;
  await assert.rejects(line.read());
});

test("an answer to something else is none", async (t) => {
  for (const range of ["bytes 1-99/*", "bytes 0-99/50", "bytes 5-3/*", "bytes 0-99999999999999999999/*", "0-99", ""]) {
    const { line } = lineTo(t, { GET: [answer(range, "x")], HEAD: [answer(range)] });
    await assert.rejects(line.fetch(0, 99), /range/, range);
    await assert.rejects(line.updateEdge(), /range/, range);
    t.mock.restoreAll();
  }
});

test("a false answer to the question how far a show has got holds until the next one", async (t) => {
  const { line } = lineTo(t, { HEAD: [answer("bytes 0-999999/*"), answer("bytes 0-9/*")] });
  await line.updateEdge();
  assert.equal(line.edge, 1_000_000);
  await line.fetch(0, 99);
  await line.updateEdge();
  assert.equal(line.edge, 100, "what has come is there");
  await line.updateEdge();
  assert.equal(line.edge, 1000);
});

test("who waits at a false place is told so by the next answer", async (t) => {
  const { line } = lineTo(t);
  const honest = fetch;
  t.mock.method(globalThis, "fetch", async (url, options) => {
    if (options.method === "HEAD") return honest(url, options);
    const start = (silent) => options.signal.addEventListener("abort", () => silent.error(options.signal.reason));
    return answer("bytes 5000-9007199254740991/*", new ReadableStream({ start }));
  });
  line.edge = 6000;
  line.jump(5000);
  const waiting = assert.rejects(
    line.persist(() => line.read()),
    { code: "CutOff" },
  );
  await new Promise(setImmediate);
  await line.updateEdge();
  await waiting;
});
