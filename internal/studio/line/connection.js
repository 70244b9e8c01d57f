import { PROTOCOL } from "./messages.js";

const DEAD = 6_000; // ms: the station says something every 2 s, so this connection has died silently
const LOOK = 1_000; // ms

/**
 * How a connection was closed.
 * @typedef {object} Closed
 * @property {number} code 0: by us
 * @property {string} reason
 */

/** One WebSocket, until it is closed or nothing is heard on it any more. */
export class Connection {
  ontext = (/** @type {string} */ _text) => {};
  onbytes = (/** @type {ArrayBuffer} */ _bytes) => {};
  /** @type {Promise<Closed>} */
  closed;
  #socket;
  #heard = performance.now(); // ms, when something came last
  #watch = setInterval(() => this.look(), LOOK);
  #resolve = (/** @type {Closed} */ _how) => {};

  /**
   * @param {URL} url
   * @param {string} greeting what is said first
   */
  constructor(url, greeting) {
    this.closed = new Promise((resolve) => (this.#resolve = resolve));
    this.#socket = new WebSocket(url, PROTOCOL);
    this.#socket.binaryType = "arraybuffer";
    this.#socket.onopen = () => this.send(greeting);
    this.#socket.onmessage = ({ data }) => this.#hear(data);
    this.#socket.onclose = ({ code, reason }) => this.#end({ code, reason });
  }

  /** @param {string | ArrayBuffer} data */
  #hear(data) {
    this.#heard = performance.now();
    if (typeof data === "string") this.ontext(data);
    else this.onbytes(data);
  }

  /** Gives up where nothing was heard for too long. */
  look() {
    if (performance.now() - this.#heard > DEAD) this.close();
  }

  /** Bytes that wait in the browser to be sent. */
  get waiting() {
    return this.#socket.bufferedAmount;
  }

  /** @param {string | Uint8Array<ArrayBuffer>} data */
  send(data) {
    this.#socket.send(data);
  }

  /** It is closed at once: a dead line would not answer. */
  close() {
    this.#end({ code: 0, reason: "" });
  }

  /** @param {Closed} how */
  #end(how) {
    clearInterval(this.#watch);
    this.#socket.onmessage = this.#socket.onclose = this.#socket.onopen = null;
    this.#socket.close();
    this.#resolve(how);
  }
}
