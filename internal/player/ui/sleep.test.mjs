import assert from "node:assert/strict";
import { test } from "node:test";

class FakeElement {
  textContent = "";
  value = "off";
  listeners = {};
  addEventListener(name, listener) {
    this.listeners[name] = listener;
  }
}
for (const kind of ["", "Button", "Input", "Select", "Dialog"]) globalThis[`HTML${kind}Element`] = FakeElement;
const elements = { sleep: new FakeElement(), sleepleft: new FakeElement(), notice: new FakeElement() };
globalThis.document = { getElementById: (id) => elements[id] };
const { Sleep } = await import("./sleep.js");

for (const [state, said] of [
  ["ended", /^The show is over; the sleep timer/],
  ["interrupted", /^There is no more of the show; the sleep timer/],
  ["closing", /^There is no more of the show; the sleep timer/],
  ["falseend", /^There is no more of the show; the sleep timer/],
]) {
  test(`at the end the timer calls only a show over that is: ${state}`, () => {
    let paused = 0;
    const player = { state, running: false, playing: true, position: 10, duration: 10, pause: () => paused++ };
    new Sleep(player);
    elements.sleep.value = "end";
    elements.sleep.listeners.change();
    assert.equal(paused, 1);
    assert.match(elements.notice.textContent, said);
  });
}
