// The seek bar: a range control for keyboards and screen readers, a waveform
// for the eye, and a pointer that drags over both.

import { $, set, setAttribute, setText } from "./dom.js";
import { clock, spoken } from "./time.js";
import { Waveform } from "./waveform.js";

const STEPS = { ArrowLeft: -10, ArrowDown: -10, ArrowRight: 10, ArrowUp: 10, PageDown: -60, PageUp: 60, Home: -Infinity, End: Infinity };
const QUIET = 10; // seconds between changes of what a focused bar says, lest it is read aloud all the time
const ECHO = 500; // ms in which the control tells of a pointer that we have followed ourselves

export class SeekBar {
  #player;
  #input = $("seek");
  #tip = $("tip");
  #waveform = new Waveform($("wave"));
  #duration = 0; // of the bar: it does not grow under a finger
  #dragged = null; // seconds under the finger, or null
  #said = -Infinity; // position that aria-valuetext told last
  #touched = -Infinity; // ms, when a pointer moved the bar last

  constructor(player) {
    this.#player = player;
    const on = (type, act) => this.#input.addEventListener(type, act);
    on("pointerdown", (event) => this.#grab(event));
    on("pointermove", (event) => this.#move(event));
    on("pointerup", () => this.#drop());
    on("pointercancel", () => this.#abandon()); // the finger scrolls the page
    on("pointerleave", () => this.#hideTip());
    on("keydown", (event) => this.#key(event));
    // A screen reader's gestures change the control itself. So do fingers, on top of our dragging.
    on("change", () => performance.now() - this.#touched > ECHO && this.#seek(this.#input.valueAsNumber));
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

  #seek(seconds) {
    this.#player.seek(Math.max(0, Math.min(seconds, this.#duration)));
    this.#said = -Infinity;
    this.refresh();
  }

  #key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || !(event.key in STEPS)) return;
    event.preventDefault();
    this.#seek(this.#player.position + STEPS[event.key]);
  }

  #grab(event) {
    if (event.button !== 0 || this.#duration === 0) return;
    event.preventDefault(); // and keep the keyboard with the whole page
    this.#input.setPointerCapture(event.pointerId);
    this.#dragged = this.#at(event);
    this.#showTip(event);
    this.refresh();
  }

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

  #at(event) {
    const { left, width } = this.#input.getBoundingClientRect();
    return Math.max(0, Math.min(1, (event.clientX - left) / width)) * this.#duration;
  }

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
