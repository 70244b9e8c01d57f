// The level meter: it rises at once and falls slowly, as meters do.

import { $, setAttribute } from "../../player/ui/dom.js";
import { decibels } from "../capture/level.js";

const LOWEST = -60; // dB, the left end
const FALL = 24; // dB a second
const LOUD = -6; // dB: near to being too loud
const SOFT = -30; // dB: a voice should be louder
const SAY = 2_000; // ms between changes of what screen readers are told

export class Meter {
  #element = $("meter");
  #bar = $("bar");
  #shown = LOWEST; // dB
  #looked = 0; // ms
  #said = 0; // ms

  /** @param {number} peak */
  refresh(peak) {
    const now = performance.now();
    const fallen = this.#shown - (FALL * (now - this.#looked)) / 1000;
    this.#looked = now;
    this.#shown = Math.max(LOWEST, fallen, Math.min(0, decibels(peak)));
    this.#bar.style.transform = `scaleX(${(1 - this.#shown / LOWEST).toFixed(3)})`;
    setAttribute(this.#element, "data-loud", this.#shown > LOUD);
    if (now - this.#said < SAY) return;
    this.#said = now;
    setAttribute(this.#element, "aria-valuenow", Math.round(this.#shown));
    setAttribute(this.#element, "aria-valuetext", this.#words());
  }

  #words() {
    if (this.#shown > LOUD) return "loud";
    if (this.#shown > SOFT) return "good";
    return this.#shown > LOWEST ? "soft" : "no sound";
  }
}
