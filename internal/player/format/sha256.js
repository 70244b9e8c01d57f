// SHA-256 (FIPS 180-4) of bytes that come piece by piece: the browser's own wants
// all of them at once, which a long show is too large for.

/**
 * The first 32 bits of the fractional part of a root of a prime.
 * @param {number} prime
 * @param {number} power
 */
const fraction = (prime, power) => ((prime ** power % 1) * 2 ** 32) | 0;

const PRIMES = firstPrimes(64);
const START = PRIMES.slice(0, 8).map((prime) => fraction(prime, 1 / 2));
const ROUND = Int32Array.from(PRIMES, (prime) => fraction(prime, 1 / 3));
const BLOCK = 64; // bytes
const LENGTH = 8; // bytes that say how many bits there were

export class Sha256 {
  #state = Int32Array.from(START);
  #schedule = new Int32Array(64);
  #rest = new Uint8Array(BLOCK);
  #count = 0; // bytes so far

  /** @param {Uint8Array} bytes */
  update(bytes) {
    let at = 0;
    while (at < bytes.length) {
      const start = this.#count % BLOCK;
      const taken = Math.min(BLOCK - start, bytes.length - at);
      this.#rest.set(bytes.subarray(at, at + taken), start);
      this.#count += taken;
      at += taken;
      if (start + taken === BLOCK) this.#mix();
    }
    return this;
  }

  /** The hash of what came so far; more may come. */
  digest() {
    const copy = new Sha256();
    copy.#state.set(this.#state);
    copy.#rest.set(this.#rest);
    copy.#count = this.#count;
    return copy.#finish();
  }

  #finish() {
    const bits = BigInt(this.#count) * 8n;
    const padding = new Uint8Array(((2 * BLOCK - LENGTH - 1 - (this.#count % BLOCK)) % BLOCK) + 1 + LENGTH);
    padding[0] = 0x80;
    new DataView(padding.buffer).setBigUint64(padding.length - LENGTH, bits);
    this.update(padding);
    const digest = new DataView(new ArrayBuffer(32));
    for (let i = 0; i < 8; i++) digest.setInt32(4 * i, this.#state[i]);
    return new Uint8Array(digest.buffer);
  }

  #mix() {
    const w = this.#expand();
    let [a, b, c, d, e, f, g, h] = this.#state;
    for (let i = 0; i < 64; i++) {
      const choice = (e & f) ^ (~e & g);
      const majority = (a & b) ^ (a & c) ^ (b & c);
      const one = (h + (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) + choice + ROUND[i] + w[i]) | 0;
      const two = ((turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + majority) | 0;
      h = g;
      g = f;
      f = e;
      e = (d + one) | 0;
      d = c;
      c = b;
      b = a;
      a = (one + two) | 0;
    }
    const last = [a, b, c, d, e, f, g, h];
    for (let i = 0; i < 8; i++) this.#state[i] += last[i];
  }

  #expand() {
    const w = this.#schedule;
    const block = new DataView(this.#rest.buffer);
    for (let i = 0; i < 16; i++) w[i] = block.getInt32(4 * i);
    for (let i = 16; i < 64; i++) {
      const [x, y] = [w[i - 15], w[i - 2]];
      const low = turned(x, 7) ^ turned(x, 18) ^ (x >>> 3);
      const high = turned(y, 17) ^ turned(y, 19) ^ (y >>> 10);
      w[i] = w[i - 16] + low + w[i - 7] + high;
    }
    return w;
  }
}

/**
 * @param {number} x
 * @param {number} count bits to the right
 */
const turned = (x, count) => (x >>> count) | (x << (32 - count));

/** @param {number} count */
function firstPrimes(count) {
  /** @type {number[]} */
  const primes = [];
  for (let n = 2; primes.length < count; n++) if (primes.every((prime) => n % prime !== 0)) primes.push(n);
  return primes;
}
