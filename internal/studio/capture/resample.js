// From the sound card's rate to 48 kHz, where the browser does not do it: a band-limited
// interpolation with a windowed sinc, computed for each phase once (J. O. Smith, "Digital Audio
// Resampling"). Speech and music keep 90 dB of distance to what it adds.

const REACH = 48; // zero crossings of the sinc on each side
const BETA = 9.5; // of the Kaiser window: what is folded back is 95 dB down
const BAND = 0.94; // of the smaller rate's band; above, the filter falls off

/** Resamples one channel. What comes out is REACH samples of the slower rate late. */
export class Resampler {
  #up; // a sample of output is down/up samples of input
  #down;
  #reach; // samples of input on each side
  #phases; // of the filter, 2 * #reach coefficients each
  #history; // input that later output still needs
  #at = 0; // of the next output, in input samples from the start of the history,
  #phase = 0; // and this many up-ths more

  /**
   * @param {number} from samples a second
   * @param {number} to samples a second
   */
  constructor(from, to) {
    const common = divisor(from, to);
    this.#up = to / common;
    this.#down = from / common;
    this.#reach = Math.ceil(REACH * Math.max(1, from / to));
    this.#history = new Float32Array(2 * this.#reach);
    this.#phases = this.#up === this.#down ? [] : filter(this.#up, this.#reach, BAND * Math.min(1, to / from));
  }

  /**
   * @param {Float32Array} input
   * @returns {Float32Array} all output that the input allows: the input itself where the rates are one
   */
  push(input) {
    if (this.#phases.length === 0) return input;
    const sound = new Float32Array(this.#history.length + input.length);
    sound.set(this.#history);
    sound.set(input, this.#history.length);
    const output = [];
    while (this.#at + 2 * this.#reach <= sound.length) output.push(this.#interpolate(sound));
    this.#history = sound.slice(this.#at);
    this.#at = 0;
    return Float32Array.from(output);
  }

  /** @param {Float32Array} sound */
  #interpolate(sound) {
    const coefficients = this.#phases[this.#phase];
    let sum = 0;
    for (let i = 0; i < coefficients.length; i++) sum += coefficients[i] * sound[this.#at + i];
    this.#phase += this.#down;
    this.#at += Math.floor(this.#phase / this.#up);
    this.#phase %= this.#up;
    return sum;
  }
}

/**
 * @param {number} a
 * @param {number} b
 * @returns {number} the greatest common divisor
 */
const divisor = (a, b) => (b === 0 ? a : divisor(b, a % b));

/**
 * @param {number} count of phases
 * @param {number} reach samples
 * @param {number} band of what passes, 1 is all of the input's
 */
function filter(count, reach, band) {
  return Array.from({ length: count }, (_, phase) => {
    const taps = Float32Array.from({ length: 2 * reach }, (_, i) => {
      const x = i - (reach - 1) - phase / count;
      return band * sinc(band * x) * kaiser(x / reach);
    });
    const sum = taps.reduce((total, tap) => total + tap, 0);
    return taps.map((tap) => tap / sum); // a steady level comes out as it is
  });
}

/** @param {number} x */
const sinc = (x) => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));

/** @param {number} x from -1 to 1 */
const kaiser = (x) => (Math.abs(x) >= 1 ? 0 : bessel(BETA * Math.sqrt(1 - x * x)) / bessel(BETA));

/**
 * The modified Bessel function of order 0.
 * @param {number} x
 */
function bessel(x) {
  let term = 1;
  let sum = 1;
  for (let k = 1; term > 1e-12 * sum; k++) sum += term *= (x / (2 * k)) ** 2;
  return sum;
}
