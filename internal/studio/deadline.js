/** A time after which something is given up. It runs on while the computer sleeps. */
export class Deadline {
  #at = Infinity; // ms since 1970
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #onover;

  /** @param {() => void} onover */
  constructor(onover) {
    this.#onover = onover;
  }

  get running() {
    return this.#at < Infinity;
  }

  /** @param {number} time ms from now */
  set(time) {
    this.clear();
    this.#at = Date.now() + time;
    this.#timer = setTimeout(() => this.#end(), time);
  }

  /** Timers may be late, after sleep by hours. */
  check() {
    if (Date.now() >= this.#at) this.#end();
  }

  #end() {
    this.clear();
    this.#onover();
  }

  clear() {
    clearTimeout(this.#timer);
    this.#at = Infinity;
  }
}
