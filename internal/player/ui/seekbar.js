// The seek bar: a range control for keyboards and screen readers, a waveform
// for the eye, and a pointer that drags over both.

import { $, element, input, set, setAttribute, setText } from "./dom.js";
import { clock, spoken } from "./time.js";
import { Waveform } from "./waveform.js";

/** @import { Player } from "../player.js" */

/** @type {Record<string, number>} */
const STEPS = {
  ArrowLeft: -10,
  ArrowDown: -10,
  ArrowRight: 10,
  ArrowUp: 10,
  PageDown: -60,
  PageUp: 60,
  Home: -Infinity,
  End: Infinity,
};
const QUIET = 10; // seconds between changes of what a focused bar says, lest it is read aloud all the time
const ECHO = 500; // ms in which the control reports a pointer that we have followed ourselves

export class SeekBar {
  #player;
  #input = input("seek");
  #tip = $("tip");
  #waveform = new Waveform(element("wave", HTMLCanvasElement));
  #duration = 0; // of the bar: it does not grow under a finger
  /** @type {number | null} seconds under the finger */
  #dragged = null;
  #said = -Infinity; // position that aria-valuetext said last
  #touched = -Infinity; // ms, when a pointer moved the bar last

  /** @param {Player} player */
  constructor(player) {
    this.#player = player;
    const bar = this.#input;
    bar.addEventListener("pointerdown", (event) => this.#grab(event));
    bar.addEventListener("pointermove", (event) => this.#move(event));
    bar.addEventListener("pointerup", () => this.#drop());
    bar.addEventListener("pointercancel", () => this.#abandon()); // the finger scrolls the page
    bar.addEventListener("pointerleave", () => this.#hideTip());
    bar.addEventListener("keydown", (event) => this.#key(event));
    // A screen reader's gestures change the control itself. So do fingers, on top of our dragging.
    bar.addEventListener(
      "change",
      () => performance.now() - this.#touched > ECHO && this.#seek(this.#input.valueAsNumber),
    );
  }

  /** What the bar points at, in seconds. */
  get position() {
    return this.#dragged ?? Math.min(this.#player.position, this.#duration);
  }

  get duration() {
    return this.#duration;
  }

  refresh() {
    if (this.#dragged === null) {
      this.#duration = this.#player.duration;
      this.#waveform.load(this.#player.wave, this.#duration);
    }
    this.#waveform.draw(this.#duration > 0 ? this.position / this.#duration : 0);
    setAttribute(this.#input, "max", Math.max(1, Math.ceil(this.#duration)));
    set(this.#input, "disabled", this.#duration === 0);
    set(this.#input, "value", String(Math.floor(this.position)));
    this.#say();
  }

  #say() {
    const position = Math.floor(this.position);
    const focused = document.activeElement === this.#input;
    if (focused && Math.abs(position - this.#said) < QUIET) return;
    this.#said = position;
    setAttribute(this.#input, "aria-valuetext", `${spoken(position)} of ${spoken(this.#duration)}`);
  }

  /** @param {number} seconds */
  #seek(seconds) {
    this.#player.seek(Math.max(0, Math.min(seconds, this.#duration)));
    this.#said = -Infinity;
    this.refresh();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || !(event.key in STEPS)) return;
    event.preventDefault();
    this.#seek(this.#player.position + STEPS[event.key]);
  }

  /** @param {PointerEvent} event */
  #grab(event) {
    if (event.button !== 0 || this.#duration === 0) return;
    event.preventDefault(); // and keep the keyboard with the whole page
    this.#input.setPointerCapture(event.pointerId);
    this.#dragged = this.#at(event);
    this.#showTip(event);
    this.refresh();
  }

  /** @param {PointerEvent} event */
  #move(event) {
    if (this.#duration === 0) return;
    this.#showTip(event);
    if (this.#dragged === null) return;
    this.#dragged = this.#at(event);
    this.#touched = performance.now();
    this.refresh();
  }

  #drop() {
    if (this.#dragged === null) return;
    this.#touched = performance.now();
    const seconds = this.#dragged;
    this.#abandon();
    this.#seek(seconds);
  }

  #abandon() {
    this.#dragged = null;
    this.#hideTip();
  }

  /** @param {PointerEvent} event */
  #at(event) {
    const { left, width } = this.#input.getBoundingClientRect();
    return Math.max(0, Math.min(1, (event.clientX - left) / width)) * this.#duration;
  }

  /** @param {PointerEvent} event */
  #showTip(event) {
    setText(this.#tip, clock(this.#at(event)));
    this.#tip.hidden = false;
    const { left, width } = this.#input.getBoundingClientRect();
    const half = this.#tip.offsetWidth / 2;
    const x = Math.max(half, Math.min(width - half, event.clientX - left));
    this.#tip.style.transform = `translateX(${x - half}px)`;
  }

  #hideTip() {
    if (this.#dragged === null) this.#tip.hidden = true;
  }
}
