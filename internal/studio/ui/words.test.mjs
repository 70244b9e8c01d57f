import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Fault } from "../capture/level.js";
import { Mic, State } from "../state.js";
import { bigWords, lineWords, listenersWords, sentence, warning } from "./words.js";

const idle = {
  reason: "",
  connected: true,
  welcome: { roomName: "Town hall", grace: 120 },
  input: { mic: Mic.OPEN, muted: false, fault: null },
  rehearsal: null,
  kept: 0.4,
  unsent: 0.1,
  lost: 0,
  lasting: true,
};
const deaf = { ...idle, input: { ...idle.input, mic: Mic.OFF } };
const muted = { ...idle, input: { ...idle.input, muted: true } };
const cut = { ...idle, connected: false, kept: 41.4, unsent: 41.4 };

for (const [state, studio, said, big] of [
  ["connecting", deaf, /^Connecting/, "Turn on microphone"],
  ["ready", deaf, /Turn on the microphone first/, "Turn on microphone"],
  ["ready", idle, /not on air: nobody hears you/, "Go on air"],
  ["ready", cut, /no line.*tried again by itself/, "No line"],
  ["ready", { ...idle, reason: "Somebody else is on air." }, /^Somebody else is on air\.$/, "Go on air"],
  ["ready", { ...idle, rehearsal: { playing: false } }, /^Say something/, "Go on air"],
  ["starting", idle, /^Going on air/, "Going on air…"],
  ["live", idle, /^You are on air\.$/, "Stop"],
  ["live", muted, /but muted/, "Stop"],
  ["live", cut, /line is down\. Speak on: .*kept.*After 2 minutes/, "Stop"],
  ["live", { ...cut, lasting: false }, /do not reload/, "Stop"],
  ["live", { ...cut, input: muted.input }, /line is down.*You are muted\.$/, "Stop"],
  ["live", deaf, /on air, but nothing is heard/, "Speak on"],
  ["stopping", idle, /ends as soon as all of it has arrived/, "Ending…"],
  [
    "ended",
    { ...idle, reason: "The show is over: you were away for too long." },
    /^The show is over: you were away for too long\.$/,
  ],
  ["ended", { ...idle, lost: 95 }, /The last 1:35 min did not arrive in time/],
  ["live", { ...cut, deserted: true }, /probably over.*microphone is off/, "Stop"],
  ["replaced", idle, /another tab or device/, "Speak here"],
  ["replaced", { ...idle, lost: 5 }, /The last 5 s did not arrive/],
  ["refused", { ...idle, reason: "This link is not valid any more." }, /^This link is not valid any more\.$/],
  ["nolink", idle, /personal link/],
  ["unsupported", idle, /current Firefox, Chrome or Safari/],
]) {
  test(`${state}: ${said.source}`, () => {
    assert.match(sentence({ ...studio, state }), said);
    if (big) assert.equal(bigWords({ ...studio, state }), big);
  });
}

test("there are words for every state, and for every way to have no microphone", () => {
  for (const state of Object.values(State))
    assert.doesNotMatch(sentence({ ...idle, state }), /undefined|does not know/);
  for (const mic of Object.values(Mic)) {
    const studio = { ...idle, input: { ...idle.input, mic } };
    for (const state of ["ready", "live"]) assert.doesNotMatch(sentence({ ...studio, state }), /undefined/);
  }
});

test("what is wrong, and what the line does", () => {
  assert.equal(warning(idle), "");
  for (const fault of Object.values(Fault))
    assert.ok(warning({ ...idle, input: { ...idle.input, fault } }).length > 20);
  assert.match(warning({ ...idle, broken: true }), /silence is sent/);
  assert.equal(lineWords({ ...idle, state: "ready" }), "Connected");
  assert.equal(lineWords({ ...idle, state: "live" }), "All has arrived");
  assert.equal(lineWords({ ...cut, state: "live" }), "No line: 41 s kept here");
  assert.equal(lineWords({ ...cut, connected: true, state: "live" }), "Catching up: 41 s to send");
  assert.equal(listenersWords(null), "");
  assert.equal(listenersWords(7), "7 listening");
});

test("every element that the modules ask for is in index.html", () => {
  const page = readFileSync(new URL("../index.html", import.meta.url), "utf8");
  const ids = ["main.js", "ui/meter.js", "ui/sound.js"].flatMap((path) =>
    [
      ...readFileSync(new URL(`../${path}`, import.meta.url), "utf8").matchAll(
        /(?:\$|\b(?:click|button|field|select|dialog|element))\("(\w+)"/g,
      ),
    ].map(([, id]) => id),
  );
  assert.ok(ids.length > 20);
  for (const id of ids) assert.ok(page.includes(`id="${id}"`), `index.html has no element with the id ${id}`);
});
