// HTTP to the gateway: Range requests (RFC 9110), and ranges that follow a file
// while it grows (RFC 8673).

const FAR = Number.MAX_SAFE_INTEGER; // the last byte of a file that grows, as RFC 8673 asks for it
const PATIENCE = 25_000; // ms: a show that runs gives a sign of life every ten seconds
const EDGE_PATIENCE = 5_000;

/** An answer that asking again will not change. */
export class Refused extends Error {
  /** @param {number} status */
  constructor(status) {
    super(`the gateway answers ${status}`);
    this.status = status;
  }
}

/** A stretch of the file as it arrives. */
export class Part {
  #abort = new AbortController();
  /** @type {ReadableStreamDefaultReader<Uint8Array> | undefined} */
  #reader;
  /** The size of the file where it is finished, else 0. */
  size = 0;
  arrived = 0; // bytes of this part
  #wanted = Infinity; // bytes: no more is read, whatever the gateway sends

  /**
   * Requests the bytes from `first` to `last`, or, with last undefined, all that
   * are there and are to come. Resolves when the answer begins: to null when the
   * file is finished before `first`.
   * @param {string} url
   * @param {number} first
   * @param {number | undefined} last
   * @param {AbortSignal} signal
   */
  static async open(url, first, last, signal) {
    const part = new Part();
    const abort = part.#abort;
    signal.addEventListener("abort", () => abort.abort(), { once: true, signal: abort.signal });
    const headers = { Range: `bytes=${first}-${last ?? FAR}` };
    const response = await part.#inTime(fetch(url, { headers, cache: "no-store", signal: abort.signal }));
    if (response.status === 416) return null;
    if (response.status !== 206) throw refusal(response.status);
    part.size = contentRange(response, first).size;
    part.#wanted = (last ?? FAR) + 1 - first;
    if (!response.body) throw new Error("the gateway's answer has no body");
    part.#reader = response.body.getReader();
    return part;
  }

  /** The next bytes, or null at the end of this part. One without any is a failure. */
  async read() {
    const left = this.#wanted - this.arrived;
    const chunk = left > 0 ? await this.#inTime(this.#reader?.read()) : undefined;
    const bytes = chunk?.value?.subarray(0, left) ?? null;
    this.arrived += bytes?.length ?? 0;
    if (this.arrived === 0 && !bytes) throw new Error("the gateway's answer has no bytes");
    if (!bytes) this.close();
    return bytes;
  }

  close() {
    this.#abort.abort();
  }

  /**
   * A line that brings nothing for so long is dead.
   * @template T
   * @param {T | Promise<T>} promise
   */
  async #inTime(promise) {
    const timer = setTimeout(() => this.#abort.abort(), PATIENCE);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  }
}

/**
 * How many bytes there are now, and whether that is all (RFC 8673, 2.1).
 * @param {string} url
 * @param {AbortSignal} signal
 */
export async function edge(url, signal) {
  const abort = new AbortController();
  const stop = () => abort.abort();
  const timer = setTimeout(stop, EDGE_PATIENCE);
  signal.addEventListener("abort", stop, { signal: abort.signal });
  try {
    const response = await fetch(url, {
      method: "HEAD",
      headers: { Range: "bytes=0-" },
      cache: "no-store",
      signal: abort.signal,
    });
    if (response.status !== 206) throw refusal(response.status);
    const { last, size } = contentRange(response, 0);
    return { size: last + 1, finished: size > 0 };
  } finally {
    clearTimeout(timer);
    stop();
  }
}

/** @param {number} status */
function refusal(status) {
  const passing = status >= 500 || [408, 425, 429].includes(status);
  return passing ? new Error(`the gateway answers ${status} for now`) : new Refused(status);
}

/**
 * The last byte that is promised, and the size of the file, or 0 where that is not known.
 * @param {Response} response
 * @param {number} first the byte that was asked for
 */
function contentRange(response, first) {
  const match = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(response.headers.get("Content-Range") ?? "");
  const [from, last, all] = match?.slice(1).map(Number) ?? [];
  const size = match?.[3] === "*" ? 0 : all;
  const possible = from === first && last >= first && (size === 0 || size > last);
  if (!possible || !Number.isSafeInteger(last + size))
    throw new Error("the gateway's answer has no range that is possible");
  return { last, size };
}
