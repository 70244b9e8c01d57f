// HTTP to the gateway: Range requests (RFC 9110), and ranges that follow a file
// while it grows (RFC 8673).

const FAR = Number.MAX_SAFE_INTEGER; // the last byte of a file that grows, as RFC 8673 asks for it
const PATIENCE = 25_000; // ms: a show that runs gives a sign of life every ten seconds
const EDGE_PATIENCE = 5_000;

/** Refused is an answer that asking again will not change. */
export class Refused extends Error {
  constructor(status) {
    super(`the gateway answers ${status}`);
    this.status = status;
  }
}

/** Part is a stretch of the file as it arrives. */
export class Part {
  #reader;
  #abort;
  #response;

  /**
   * Requests the bytes from `first` to `last`, or, with last undefined, all that
   * are there and are to come. Resolves when the answer begins: to null when the
   * file is finished before `first`.
   */
  static async open(url, first, last, signal) {
    const part = new Part();
    part.#abort = new AbortController();
    signal.addEventListener("abort", () => part.#abort.abort(), { once: true, signal: part.#abort.signal });
    const headers = { Range: `bytes=${first}-${last ?? FAR}` };
    part.#response = await part.#inTime(fetch(url, { headers, cache: "no-store", signal: part.#abort.signal }));
    if (part.#response.status === 416) return null;
    if (part.#response.status !== 206) throw refusal(part.#response.status);
    part.#reader = part.#response.body.getReader();
    return part;
  }

  /** The size of the file where it is finished, else 0. */
  get size() {
    return contentRange(this.#response).size;
  }

  /** The next bytes, or null at the end of this part. */
  async read() {
    const { value } = await this.#inTime(this.#reader.read());
    return value ?? null;
  }

  close() {
    this.#abort.abort();
  }

  /** A line that brings nothing for so long is dead. */
  async #inTime(promise) {
    const timer = setTimeout(() => this.#abort.abort(), PATIENCE);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  }
}

/** How many bytes there are now, and whether that is all (RFC 8673, 2.1). */
export async function edge(url, signal) {
  const abort = new AbortController();
  const stop = () => abort.abort();
  const timer = setTimeout(stop, EDGE_PATIENCE);
  signal.addEventListener("abort", stop, { signal: abort.signal });
  try {
    const response = await fetch(url, { method: "HEAD", headers: { Range: "bytes=0-" }, cache: "no-store", signal: abort.signal });
    if (response.status !== 206) throw refusal(response.status);
    const { last, size } = contentRange(response);
    return { size: last + 1, finished: size > 0 };
  } finally {
    clearTimeout(timer);
    stop();
  }
}

function refusal(status) {
  const passing = status >= 500 || [408, 425, 429].includes(status);
  return passing ? new Error(`the gateway answers ${status} for now`) : new Refused(status);
}

function contentRange(response) {
  const match = /^bytes \d+-(\d+)\/(\d+|\*)$/.exec(response.headers.get("Content-Range") ?? "");
  if (!match) throw new Error("the gateway's answer has no range");
  return { last: Number(match[1]), size: match[2] === "*" ? 0 : Number(match[2]) };
}
