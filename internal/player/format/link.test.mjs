import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parsePath } from "../ui/address.js";
import { parseHash, parseKey, parseLink, parseSigner, withStart } from "./link.js";

const key = "a".repeat(59);
const cases = JSON.parse(readFileSync(new URL("../../link/testdata/cases.json", import.meta.url), "utf8"));

/** Reads a link as the page does when it is opened there. */
function open(link) {
  const { origin, pathname, hash } = new URL(link);
  const { base, id } = parsePath(pathname);
  return { base: origin + base, id, ...parseLink(hash.slice(1)) };
}

assert.ok(cases.valid.length > 30, "where are the cases?");

for (const { name, link, file, canonical, ...said } of cases.valid) {
  test(`link: ${name}`, () => {
    const got = open(link);
    const written = { ...got, wave: got.wave && [...got.wave] };
    assert.deepEqual(written, { signer: null, sha256: null, ...said });
    if (got.key) parseKey(got.key);
    if (got.signer !== null) assert.equal(base64url(parseSigner(got.signer)), got.signer);
  });
}

const base64url = (bytes) => Buffer.from(bytes).toString("base64url");

const damaged = cases.refused.filter(({ part }) => part === "key");
assert.ok(damaged.length > 5, "where are the damaged keys?");

for (const { name, link } of damaged) {
  test(`refused link: ${name}`, () => {
    const { key } = open(link);
    assert.throws(() => parseKey(key), { code: "WrongKey", message: /59 characters are expected behind the #$/ });
  });
}

const signer = "QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXWFlaW1xdXl8";
const refused = [
  ...cases.refused.filter(({ part }) => part === "signer").map(({ link }) => new URL(link).hash.slice(1)),
  `${key}&signer`,
  `${key}&signer=${signer.slice(1)}`,
  `signer=${signer}&signer=`,
];

for (const fragment of refused) {
  test(`refused signer: ${fragment.slice(-50)}`, () => {
    const link = parseLink(fragment);
    assert.throws(() => parseSigner(link.signer), { code: "WrongKey", message: /43 characters are expected$/ });
  });
}

for (const { name, link } of cases.refused.filter(({ part }) => part === "hash")) {
  test(`refused link: ${name}`, () => {
    const { sha256 } = open(link);
    assert.throws(() => parseHash(sha256), { code: "WrongKey", message: /43 characters are expected$/ });
  });
}

test("a link to a moment keeps the signer", () => {
  assert.equal(parseLink(withStart(`${key}&signer=${signer}&t=3`, 7)).signer, signer);
});

test("what decorates a link cannot break it", () => {
  for (const bad of ["t=x", "t=-1", "t=Infinity", "t", "wave=%", "&&", "wave="]) {
    const { start, wave } = parseLink(`${key}&${bad}`);
    assert.deepEqual([start, wave], [null, null], bad);
  }
});

test("a link to a moment", () => {
  assert.equal(withStart(key, 61.26), `${key}&t=61.3`);
  assert.equal(withStart(`${key}&t=5&wave=AA`, 0), `${key}&wave=AA&t=0`);
  assert.equal(withStart("", 3), "t=3");
  assert.equal(parseLink(withStart("", 3)).start, 3);
});
