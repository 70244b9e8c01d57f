import assert from "node:assert/strict";
import { test } from "node:test";
import { linkAt, parsePath, sameShow } from "./address.js";
import { fileName } from "./download.js";

test("the path names the gateway's base and the show", () => {
  assert.deepEqual(parsePath("/listen/abc"), { base: "", id: "abc" });
  assert.deepEqual(parsePath("/radio/listen/abc"), { base: "/radio", id: "abc" });
});

test("a link to a moment is this page's, with that moment", () => {
  const location = { origin: "https://radio.example.org", pathname: "/a/listen/abc" };
  assert.equal(linkAt(location, "KEY&t=1&wave=AA", 61.26), "https://radio.example.org/a/listen/abc#KEY&wave=AA&t=61.3");
});

test("another moment is the same show, another key is not", () => {
  assert.ok(sameShow("KEY", "KEY&t=12"));
  assert.ok(sameShow("KEY&t=1&wave=AA", "KEY&wave=AA&t=12"));
  assert.ok(!sameShow("KEY&t=12", "YEK&t=12"));
  assert.ok(sameShow("t=3", ""));
});

test("a download's name is one that every file system takes", () => {
  const started = new Date(2026, 2, 1, 23, 30);
  assert.equal(fileName({ title: "Evening: the river/mill?", started }), "Evening the river mill 2026-03-01.opus");
  assert.equal(fileName({ title: "../..", started: null }), "Show.opus");
  assert.equal(fileName({ title: "Ärger über Öl", started: null }), "Ärger über Öl.opus");
  assert.equal([...fileName({ title: "𝒜".repeat(200), started: null })].length, 85);
  assert.equal(fileName(null), "Show.opus");
});
