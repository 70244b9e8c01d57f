import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { pieces, randomFrom } from "../testing/read.mjs";
import { Sha256 } from "./sha256.js";

const hex = (bytes) => Buffer.from(bytes).toString("hex");

test("SHA-256 is that of everybody", () => {
  const random = randomFrom(1);
  for (const length of [0, 1, 3, 55, 56, 57, 63, 64, 65, 119, 120, 128, 1000, 100_003]) {
    const bytes = Uint8Array.from({ length }, () => 256 * random());
    const hash = new Sha256();
    for (const piece of pieces(bytes, () => 1 + Math.floor(random() * 300))) hash.update(piece);
    const want = createHash("sha256").update(bytes).digest("hex");
    assert.equal(hex(hash.digest()), want, `${length} bytes`);
    assert.equal(hex(hash.digest()), want, "a digest leaves it as it is");
  }
});
