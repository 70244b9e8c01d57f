// How much sound to hold against an uneven line, and how to get there.

const LEAST = 0.2; // seconds
const MOST = 0.4;
const STEP = 0.05; // more after every gap
const CALM = 30_000; // ms without a gap after which less will do
const STEADY = 10_000; // ms without a gap before what has piled up is used up
const SLACK = 0.15; // seconds off the target that are left alone
const FASTEST = 0.05; // change of speed, up or down: hardly to be heard

/**
 * Jitter decides, for a listener at the live edge, how many seconds of sound
 * have to lie ready before playing begins (`target`) and how fast to play
 * (`rate`), so that the two clocks, the speaker's and the loudspeaker's, never
 * drift apart and nothing that was late has to be thrown away.
 */
export class Jitter {
  target = LEAST;
  rate = 1;
  #changed = 0; // when the target was changed or there was a gap
  #gap = -Infinity;

  /** The sound ran out at `now` (ms). */
  ranOut(now) {
    this.target = Math.min(MOST, this.target + STEP);
    this.#changed = this.#gap = now;
    this.rate = 1;
  }

  /** `ready` is the least that lay ready of late, in seconds: what was to spare. */
  observe(ready, now) {
    if (now - this.#changed > CALM) {
      this.target = Math.max(LEAST, this.target - STEP / 2);
      this.#changed = now;
    }
    const excess = ready - this.target / 2;
    const settled = Math.sign(excess) !== Math.sign(this.rate - 1) || Math.abs(excess) < SLACK / 3;
    if (this.rate !== 1 && settled) this.rate = 1;
    if (Math.abs(excess) > SLACK && now - this.#gap > STEADY) {
      this.rate = 1 + Math.max(-FASTEST, Math.min(FASTEST, excess / 5));
    }
  }
}
