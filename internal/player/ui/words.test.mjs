import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Refused } from "../fetch/request.js";
import { BlockError } from "../format/refusal.js";
import { stateOf } from "../state.js";
import { heading, secrecy, sentence } from "./words.js";

const idle = {
  playing: false,
  buffering: false,
  following: false,
  caughtUp: false,
  lag: 0.3,
  captured: null,
  doubt: null,
  detail: null,
  show: { encrypted: true },
};
const waiting = { ...idle, playing: true, buffering: true, following: true, caughtUp: true };
const live = { ...idle, playing: true, following: true, caughtUp: true };
const heldBack = { ...idle, playing: true, caughtUp: true };
const behind = { ...idle, playing: true };

const cases = [
  ["connecting", idle, /^Connecting/],
  ["connecting", waiting, /starts by itself/],
  ["live", idle, /Press Play/],
  ["live", waiting, /starts in a moment/],
  ["live", live, /hear it live/],
  ["live", behind, /earlier part.*Go to live/],
  ["live", heldBack, /earlier part.*Go to live/],
  ["live", { ...heldBack, lag: null }, /^On air now\. You hear what there is\.$/],
  ["late", idle, /arrives late: by this device's clock.*some time ago\. Press Play/],
  ["late", heldBack, /arrives late.*You hear what there is\.$/],
  ["late", behind, /arrives late.*earlier part/],
  ["askew", live, /clock is slow.*nobody can tell how late.*You hear what there is/],
  ["unproven", idle, /The server says that this show is on air\. Press Play/],
  ["unproven", live, /The server says.*You hear what there is/],
  ["closing", idle, /The server says that the show is over\. Press Play/],
  ["falseend", behind, /The server says.*its end is not what the station sent\. You hear its recording/],
  ["paused", idle, /^The server says that nothing comes from the speaker: .* or they take a break\. Press Play/],
  ["paused", live, /break.*goes on by itself/],
  ["paused", waiting, /break.*goes on by itself/],
  ["paused", behind, /break.*earlier part/],
  [
    "paused",
    { ...idle, captured: new Date("2026-11-23T09:17:22Z") },
    /break \(the newest sound is of .*2026.*, by the station's clock\)\. Press/,
  ],
  ["stalled", idle, /Nothing arrives.*Press Play/],
  ["stalled", live, /Nothing arrives.*goes on by itself/],
  ["ended", idle, /over.*Press Play/],
  ["ended", waiting, /over.*starts in a moment/],
  ["ended", behind, /over.*hear its recording/],
  ["interrupted", idle, /broke off.*Press Play/],
  ["interrupted", behind, /broke off.*hear its recording/],
  ["deleted", idle, /deleted.*nothing to hear/],
  ["wrongkey", idle, /cut short or the key does not fit: open the link from the room again/],
  [
    "damaged",
    { ...idle, detail: { at: 725, code: "Forged" } },
    /From 12:05 on.*not played.*not what the station sealed/,
  ],
  [
    "damaged",
    { ...idle, detail: { at: 3725 }, show: { encrypted: false } },
    /From 1:02:05 on.*not what the station sent\./,
  ],
  [
    "damaged",
    { ...idle, detail: { at: 65, code: "Checkpoint" } },
    /From 1:05 on.*not what the station signed.*before can be heard\.$/,
  ],
  ...["Checkpoint", "Forged", "Order", "Malformed"].map((code) => [
    "damaged",
    { ...idle, detail: { at: 65, code }, doubt: 65 },
    /before can be heard\. What you heard since 1:05 may not come from the station\.$/,
  ]),
  ["interrupted", { ...behind, doubt: 65 }, /broke off.*since 1:05 may not come from the station/],
  ["deleted", { ...idle, doubt: 65 }, /deleted.*since 1:05 may not come from the station/],
  ["unavailable", { ...idle, doubt: 65, detail: { status: 404 } }, /no show.*since 1:05 may not come from/],
  ["offline", idle, /offline.*can be played/],
  ["offline", live, /offline.*goes on by itself/],
  ["unsupported", idle, /browser.*https/],
  ["unavailable", { ...idle, detail: { status: 404 } }, /no show at this address/],
  ["unavailable", { ...idle, detail: { status: 429 } }, /Reload the page in a minute/],
  ["unavailable", { ...idle, detail: { status: 500 } }, /answered 500/],
  ["unavailable", idle, /does not hand out the show\. Reload/],
  ["unheard of", idle, /reload/],
];

for (const [state, player, expected] of cases) {
  test(`${state}: ${expected.source}`, () => assert.match(sentence({ ...player, state }), expected));
}

test("nothing is called live or over that is not known to be so", () => {
  for (const state of ["late", "askew", "unproven", "closing", "falseend", "paused", "stalled"]) {
    for (const player of [idle, waiting, live, heldBack, behind]) {
      assert.doesNotMatch(sentence({ ...player, state }), /hear it live|^The show is over|^On air now/);
    }
  }
});

test("the state that an error leads to", () => {
  const states = [
    [new Refused(410), "deleted", { status: 410 }],
    [new Refused(404), "unavailable", { status: 404 }],
    [new BlockError("WrongKey"), "wrongkey", null],
    [new BlockError("Forged"), "damaged", { at: 12, code: "Forged" }],
    [new Error("something else"), "unavailable", {}],
  ];
  for (const [error, state, detail] of states) assert.deepEqual(stateOf(error, 12), { state, detail });
});

test("what changes all the time is not said", () => {
  const at = (position) => sentence({ ...live, state: "live", position, duration: position, lag: position / 7 });
  assert.equal(at(1), at(3601.5));
});

test("the heading is calm before the tags are read", () => {
  assert.equal(heading(null, true), "An encrypted show");
  assert.equal(heading(null, false), "A show");
  assert.equal(heading({ title: "", encrypted: false }, true), "A show");
  assert.equal(heading({ title: "Morning news", encrypted: true }, true), "Morning news");
});

test("a plain show does not claim to be encrypted", () => {
  assert.match(secrecy(true), /server carries it, but cannot hear it/);
  assert.match(secrecy(false), /not encrypted.*server can hear it/);
  assert.equal(secrecy(undefined), "");
  for (const words of [heading(null, false), secrecy(undefined)]) assert.doesNotMatch(words, /encrypted/);
});

test("before a show is known, the page promises nothing", () => {
  const page = readFileSync(new URL("../index.html", import.meta.url), "utf8");
  assert.doesNotMatch(page, /encrypt|decrypt|cannot hear/i);
});
