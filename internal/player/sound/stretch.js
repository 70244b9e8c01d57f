// Decoded sound on its way to the loudspeaker, at any speed with its own pitch.
// Used by worklet.js on the audio thread; allocates nothing while it plays.

const HOP = 720; // samples that are faded over at a time: 15 ms
const REACH = 480; // how far to look for a place that fits: 10 ms, a period of 100 Hz
const COARSE = 8; // every how many samples the first look is taken

/** The samples [start, end) of a show, in a ring. */
export class PcmQueue {
  start = 0;
  end = 0;
  #planes;
  #mask;

  /**
   * @param {number} channels
   * @param {number} capacity in samples, a power of two
   */
  constructor(channels, capacity) {
    this.#planes = Array.from({ length: channels }, () => new Float32Array(capacity));
    this.#mask = capacity - 1;
  }

  get capacity() {
    return this.#mask + 1;
  }

  /** @param {number} sample */
  reset(sample) {
    this.start = this.end = sample;
  }

  /**
   * Appends sound: a hole before it is silence, what is there already is left out.
   * @param {Float32Array[]} planes
   * @param {number} start sample at which it begins
   */
  push(planes, start) {
    for (; this.end < start && this.end - this.start < this.capacity; this.end++) {
      for (const ring of this.#planes) ring[this.end & this.#mask] = 0;
    }
    const skip = this.end - start;
    const count = Math.min(planes[0].length - skip, this.capacity - (this.end - this.start));
    for (let c = 0; c < this.#planes.length; c++) {
      for (let i = 0; i < count; i++) this.#planes[c][(this.end + i) & this.#mask] = planes[c][skip + i];
    }
    if (count > 0) this.end += count;
  }

  /**
   * @param {number} channel
   * @param {number} sample
   */
  at(channel, sample) {
    return this.#planes[channel][sample & this.#mask];
  }
}

/**
 * Plays a PcmQueue at a speed (WSOLA: waveform similarity overlap-add,
 * Verhelst and Roelands 1993). At speed 1 samples come out as they are.
 *
 * It plays on from `position` for as long as that is near enough to where the
 * speed wants to be; then it fades to the place nearby that sounds most alike.
 */
export class Stretcher {
  position = 0; // of the next sample to play
  speed = 1;
  #queue;
  #wanted = 0; // where the speed wants position to be
  #target = 0; // where the fade leads; equal to position: nowhere
  #faded = HOP; // samples of the fade that are done

  /** @param {PcmQueue} queue */
  constructor(queue) {
    this.#queue = queue;
  }

  /** @param {number} sample */
  reset(sample) {
    this.position = this.#wanted = this.#target = sample;
    this.#faded = HOP;
  }

  /** How many samples can be played on without any more arriving. */
  get ready() {
    return this.#queue.end - this.position;
  }

  /**
   * Fills outputs[channel][from, to), and moves on. There have to be to - from samples ready.
   * @param {Float32Array[]} outputs
   * @param {number} from
   * @param {number} to
   */
  play(outputs, from, to) {
    for (let i = from; i < to; i++) {
      if (this.#faded === HOP) this.#choose();
      const share = this.#faded / HOP;
      for (let c = 0; c < outputs.length; c++) {
        const sample = this.#queue.at(c, this.position);
        outputs[c][i] =
          this.#target === this.position ? sample : sample + share * (this.#queue.at(c, this.#target) - sample);
      }
      this.position++;
      this.#target++;
      this.#faded++;
      if (this.#faded === HOP) this.position = this.#target;
    }
    this.#queue.start = Math.max(this.#queue.start, Math.min(this.position, this.#target) - HOP - 2 * REACH);
  }

  /** Decides where the next HOP samples lead. */
  #choose() {
    this.#faded = 0;
    this.#target = this.position;
    if (this.speed === 1) {
      this.#wanted = this.position;
      return;
    }
    this.#wanted += HOP * this.speed;
    const ideal = Math.round(this.#wanted) - HOP;
    const late = Math.abs(ideal - this.position) > REACH;
    const last = this.#queue.end - 2 * HOP - REACH;
    if (late && ideal <= last && ideal - REACH >= this.#queue.start) this.#target = this.#mostAlike(ideal);
    else if (late) this.#wanted = this.position + HOP; // there is no room yet: play on
  }

  /** @param {number} ideal sample */
  #mostAlike(ideal) {
    let best = this.#search(ideal - REACH, ideal + REACH, COARSE);
    best = this.#search(Math.max(best - COARSE, ideal - REACH), best + COARSE, 1);
    return best;
  }

  /**
   * @param {number} from the first candidate
   * @param {number} to and the last
   * @param {number} step
   */
  #search(from, to, step) {
    let best = from;
    let bestLikeness = -Infinity;
    for (let candidate = from; candidate <= to; candidate += step) {
      const likeness = this.#likeness(candidate);
      if (likeness > bestLikeness) [best, bestLikeness] = [candidate, likeness];
    }
    return best;
  }

  /**
   * The normalised correlation of what comes at a candidate with what would come here.
   * @param {number} candidate sample
   */
  #likeness(candidate) {
    let product = 0;
    let energy = 1e-9;
    for (let i = 0; i < HOP; i += COARSE) {
      const there = this.#queue.at(0, candidate + i);
      product += there * this.#queue.at(0, this.position + i);
      energy += there * there;
    }
    return product / Math.sqrt(energy);
  }
}
