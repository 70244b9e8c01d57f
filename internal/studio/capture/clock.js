/**
 * How far two clocks are apart, from times of one that arrive at the other. What arrives is late by
 * some time, never early, so the one that seems the least late tells the most.
 */
export class ClockOffset {
  #remembered;
  /** @type {number[]} theirs less ours, ms */
  #offsets = [];

  /** @param {number} remembered so many times; clocks drift, and older ones mislead */
  constructor(remembered) {
    this.#remembered = remembered;
  }

  /**
   * @param {number} theirs ms
   * @param {number} ours ms, when it arrived
   */
  hear(theirs, ours) {
    this.#offsets.push(theirs - ours);
    if (this.#offsets.length > this.#remembered) this.#offsets.shift();
  }

  get #offset() {
    return this.#offsets.length > 0 ? Math.max(...this.#offsets) : 0;
  }

  /** @param {number} ours ms */
  toTheirs(ours) {
    return ours + this.#offset;
  }

  /** @param {number} theirs ms */
  toOurs(theirs) {
    return theirs - this.#offset;
  }
}
