import assert from "node:assert/strict";
import { test } from "node:test";
import { together } from "./line.js";
import { pack, parse, unpack } from "./messages.js";

test("packets go there and back", () => {
  const message = {
    number: 4_000_000_000,
    captured: 1_790_000_000_123,
    packets: [Uint8Array.of(1, 2, 3), new Uint8Array(300)],
  };
  const bytes = pack(message);
  assert.deepEqual(
    [...bytes.subarray(0, 17)],
    [0, 0x28, 0x6b, 0xee, 0x7b, 0x6c, 0x50, 0xc4, 0xa0, 1, 0, 0, 3, 0, 1, 2, 3],
  );
  assert.deepEqual(unpack(bytes.buffer), message);
});

test("a text that is no message is none", () => {
  assert.deepEqual(parse('{"type":"tick","now":1}'), { type: "tick", now: 1 });
  for (const text of ["", "{", "null", "[]", "1", '{"type":1}']) assert.equal(parse(text), null);
});

test("packets before and behind a break go in messages of their own", () => {
  const kept = [0, 20, 41, 5060, 5080].map((captured) => ({ captured }));
  assert.deepEqual(together(kept), kept.slice(0, 3));
  assert.deepEqual(together(kept.slice(3)), kept.slice(3));
  assert.deepEqual(together([]), []);
});
