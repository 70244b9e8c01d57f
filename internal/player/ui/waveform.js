// The waveform behind the seek bar, drawn when something of it has changed.

import { RATE } from "../format/opus.js";

/** @import { Wave } from "../sound/wave.js" */

const STEP = 4; // CSS pixels from bar to bar
const THIN = 2; // height of a bar where nothing is known yet

export class Waveform {
  #canvas;
  #context;
  #width = 0;
  #height = 0;
  #colors = { played: "", coming: "", head: "" };
  #bars = new Float32Array(0);
  #barsKey = "";
  #drawn = "";

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.#canvas = canvas;
    this.#context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    new ResizeObserver(([entry]) => this.#resize(entry.contentRect)).observe(canvas);
    for (const query of ["(prefers-color-scheme: dark)", "(forced-colors: active)"]) {
      matchMedia(query).addEventListener("change", () => this.#recolor());
    }
    this.#recolor();
  }

  /**
   * Reads the bars of a wave, unless they are the same.
   * @param {Wave} wave
   * @param {number} duration seconds
   */
  load(wave, duration) {
    const count = Math.floor(this.#width / STEP);
    const key = `${wave.version} ${count} ${duration.toFixed(1)}`;
    if (count === 0 || key === this.#barsKey) return;
    this.#barsKey = key;
    this.#bars = wave.bars(count, Math.max(1, duration * RATE));
    this.#drawn = "";
  }

  /**
   * Shows the bars, those that were played in color.
   * @param {number} played share of all, 0 to 1
   */
  draw(played) {
    const x = Math.round(played * this.#width);
    if (this.#width === 0 || this.#drawn === `${x}`) return;
    this.#drawn = `${x}`;
    this.#context.clearRect(0, 0, this.#width, this.#height);
    for (const [i, bar] of this.#bars.entries()) this.#bar(i * STEP, bar, x);
    this.#context.fillStyle = this.#colors.head;
    this.#context.fillRect(Math.max(0, Math.min(x - 1, this.#width - 2)), 0, 2, this.#height);
  }

  /**
   * @param {number} left
   * @param {number} bar
   * @param {number} played
   */
  #bar(left, bar, played) {
    const height = Number.isNaN(bar) ? THIN : Math.max(THIN + 2, bar * (this.#height - 8));
    this.#context.fillStyle = left + STEP / 2 <= played ? this.#colors.played : this.#colors.coming;
    this.#context.fillRect(left + 1, (this.#height - height) / 2, STEP - 2, height);
  }

  /** @param {DOMRectReadOnly} size */
  #resize({ width, height }) {
    this.#width = width;
    this.#height = height;
    this.#canvas.width = Math.round(width * devicePixelRatio);
    this.#canvas.height = Math.round(height * devicePixelRatio);
    this.#context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    this.#drawn = this.#barsKey = "";
  }

  #recolor() {
    const style = getComputedStyle(this.#canvas);
    const [played, coming, head] = ["--accent", "--coming", "--text"].map((name) =>
      style.getPropertyValue(name).trim(),
    );
    this.#colors = { played, coming, head };
    this.#drawn = "";
  }
}
