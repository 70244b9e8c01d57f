// How much sound to hold against an uneven line, and how to get there.

const LEAST = 0.2; // seconds
const MOST = 0.4;
const STEP = 0.05; // more after every gap
const CALM = 30_000; // ms without a gap after which less will do
const STEADY = 10_000; // ms without a gap before what has piled up is used up
const SLACK = 0.15; // seconds off the target that are left alone
const WINDOW = 2_000; // ms over which the least that lies ready is looked for
const FASTEST = 0.05; // change of speed, up or down: hardly to be heard

/**
 * Decides, for a listener at the live edge, how many seconds of sound have to lie
 * ready before playing begins (`target`) and how fast to play (`rate`), so that
 * the two clocks, the speaker's and the loudspeaker's, never drift apart and
 * nothing that was late has to be thrown away.
 */
export class LatencyController {
  target = LEAST;
  rate = 1;
  #changed = 0; // when the target was changed or there was a gap
  #gap = -Infinity;
  #least = Infinity; // seconds that lay ready in this window
  #since = 0; // ms, when the window began

  /**
   * The sound ran out.
   * @param {number} now ms
   */
  ranOut(now) {
    this.target = Math.min(MOST, this.target + STEP);
    this.#changed = this.#gap = now;
    this.rate = 1;
    this.restart();
  }

  /** What lay ready until now does not count. */
  restart() {
    this.#least = Infinity;
  }

  /**
   * Observes the least that lies ready in every window. Returns whether one has
   * ended.
   * @param {number} ready seconds
   * @param {number} now ms
   */
  measure(ready, now) {
    this.#least = Math.min(this.#least, ready);
    if (now - this.#since < WINDOW || this.#least === Infinity) return false;
    this.observe(this.#least, now);
    this.#since = now;
    this.restart();
    return true;
  }

  /**
   * @param {number} ready seconds: the least that lay ready of late
   * @param {number} now ms
   */
  observe(ready, now) {
    if (now - this.#changed > CALM) {
      this.target = Math.max(LEAST, this.target - STEP / 2);
      this.#changed = now;
    }
    const excess = ready - this.target / 2;
    const reached = Math.sign(excess) !== Math.sign(this.rate - 1) || Math.abs(excess) < SLACK / 3;
    if (this.rate !== 1 && reached) this.rate = 1;
    if (Math.abs(excess) > SLACK && now - this.#gap > STEADY) {
      this.rate = 1 + Math.max(-FASTEST, Math.min(FASTEST, excess / 5));
    }
  }
}
