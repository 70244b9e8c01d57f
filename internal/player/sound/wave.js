// The loudness of a show over its time, for drawing.

const BINS = 4096;
const SHORTEST = 2400; // samples of a bin at first: 50 ms

/**
 * Measures sound in bins of equal length, as it is heard, in any order.
 * When the show outgrows them they are joined in pairs, so it takes the same
 * memory however long the show is.
 */
export class Wave {
  #energy = new Float64Array(BINS);
  #samples = new Float64Array(BINS);
  #span = SHORTEST;
  #given;
  version = 0; // grows with every change

  /** @param {Uint8Array | null} given what the link says of the whole finished show */
  constructor(given = null) {
    this.#given = given;
  }

  /**
   * Adds mono or stereo sound.
   * @param {Float32Array[]} planes
   * @param {number} start sample at which it begins
   */
  add([plane], start) {
    while (start + plane.length > BINS * this.#span) this.#join();
    for (let i = 0; i < plane.length; ) {
      const bin = Math.floor((start + i) / this.#span);
      const end = Math.min(plane.length, (bin + 1) * this.#span - start);
      let energy = 0;
      this.#samples[bin] += end - i;
      for (; i < end; i++) energy += plane[i] * plane[i];
      this.#energy[bin] += energy;
    }
    this.version++;
  }

  #join() {
    for (const bins of [this.#energy, this.#samples]) {
      for (let i = 0; i < BINS / 2; i++) bins[i] = bins[2 * i] + bins[2 * i + 1];
      bins.fill(0, BINS / 2);
    }
    this.#span *= 2;
  }

  /**
   * Bars of 0 to 1, NaN where nothing is known.
   * @param {number} count
   * @param {number} length samples of all of them
   */
  bars(count, length) {
    const bars = new Float32Array(count);
    let loudest = 0.001;
    for (let i = 0; i < count; i++) {
      bars[i] = this.#given ? barOf(this.#given, i, count) : this.#heardAt(i, count, length);
      if (bars[i] > loudest) loudest = bars[i]; // which NaN is not
    }
    return bars.map((bar) => bar / loudest);
  }

  /**
   * @param {number} i
   * @param {number} count
   * @param {number} length samples
   */
  #heardAt(i, count, length) {
    const from = Math.floor((i * length) / count / this.#span);
    const to = Math.max(from + 1, Math.floor(((i + 1) * length) / count / this.#span));
    let energy = 0;
    let samples = 0;
    for (let bin = from; bin < Math.min(to, BINS); bin++) {
      energy += this.#energy[bin];
      samples += this.#samples[bin];
    }
    return samples === 0 ? NaN : Math.sqrt(energy / samples);
  }
}

/**
 * @param {Uint8Array} given
 * @param {number} i
 * @param {number} count
 */
function barOf(given, i, count) {
  const from = Math.floor((i * given.length) / count);
  const to = Math.max(from + 1, Math.floor(((i + 1) * given.length) / count));
  return Math.max(...given.subarray(from, to)) / 255;
}
