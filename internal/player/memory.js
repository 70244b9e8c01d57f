// How far a listener got, remembered in this browser only.

const LEAST = 10; // seconds: less is not worth it

export class Memory {
  #name;

  /** @param {string} id of the show */
  constructor(id) {
    this.#name = `position ${id}`;
  }

  get position() {
    return Number(attempt(() => localStorage.getItem(this.#name))) || 0;
  }

  /**
   * Remembers a position; the beginning and the end are forgotten.
   * @param {number} seconds
   * @param {number} duration seconds
   */
  keep(seconds, duration) {
    const worth = seconds > LEAST && seconds < duration - LEAST;
    attempt(() => (worth ? localStorage.setItem(this.#name, String(seconds)) : localStorage.removeItem(this.#name)));
  }
}

/**
 * Browsers may forbid storage altogether; then nothing is remembered.
 * @template T
 * @param {() => T} step
 */
function attempt(step) {
  try {
    return step();
  } catch {
    return null;
  }
}
