// The speaker's line: one WebSocket after the other, over which messages and packets go to the
// station, and what the station says comes back.

import { retry } from "../../player/fetch/retry.js";
import { ClockOffset } from "../capture/clock.js";
import { MISTAKE, PROTOCOL, pack, parse, TAKEN, unpack } from "./messages.js";

/** @import { Keep, Kept } from "./keep.js" */
/** @import { Packets, Welcome } from "./messages.js" */

const DEAD = 6_000; // ms: the station says something every 2 s, so this line has died silently
const LOOK = 1_000; // ms
const BATCH = 50; // packets of one message
const BREAK = 100; // ms between two packets
const ROOM = 64 << 10; // bytes that may wait in the browser: more would only be sent in vain
const AGAIN = 50; // ms until it is tried to send more
const TICKS = 30; // to compare clocks over: a minute

/**
 * @typedef {object} Hearer
 * @property {(welcome: Welcome) => void} onwelcome the line stands
 * @property {(message: {type: string, [field: string]: any}) => void} onmessage
 * @property {(packets: Packets) => void} onpackets come back
 * @property {() => void} onbroken it is being tried again
 * @property {(refusal: string | null) => void} onend for ever; null: a newer tab has it
 */

export class Line {
  /** @type {WebSocket | null} that the station has answered on */
  #socket = null;
  #url;
  #secret;
  #keep;
  #hearer;
  #closed = new AbortController();
  #clock = new ClockOffset(TICKS);
  #next = Infinity; // the number of the packet that is sent next; none while nobody wants any
  #waiting = 0; // timer
  #refusal = ""; // what the station has refused last
  #tab = crypto.randomUUID();

  /**
   * @param {string} secret
   * @param {Keep} keep
   * @param {Hearer} hearer
   */
  constructor(secret, keep, hearer) {
    this.#url = new URL("line", location.href);
    this.#url.protocol = this.#url.protocol.replace("http", "ws");
    this.#secret = secret;
    this.#keep = keep;
    this.#hearer = hearer;
    keep.onstored = () => this.#sendKept();
    this.#run();
  }

  /** Keeps a line until the page has no use for one any more. */
  async #run() {
    const { signal } = this.#closed;
    try {
      while (!signal.aborted)
        await retry(
          () => this.#converse(signal),
          signal,
          () => {},
        );
    } catch {
      // closed while it waited
    }
  }

  /**
   * One connection, from the greeting to its end. It rejects if that came so early that the next one
   * should not follow at once.
   * @param {AbortSignal} signal
   * @returns {Promise<void>}
   */
  #converse(signal) {
    const socket = new WebSocket(this.#url, PROTOCOL);
    socket.binaryType = "arraybuffer";
    let heard = performance.now();
    let ticks = 0;
    const watch = setInterval(() => performance.now() - heard > DEAD && abandon(socket), LOOK);
    const abort = () => abandon(socket);
    signal.addEventListener("abort", abort, { once: true });
    socket.onopen = () => socket.send(JSON.stringify({ type: "hello", secret: this.#secret, tab: this.#tab }));
    socket.onmessage = ({ data }) => {
      heard = performance.now();
      if (typeof data !== "string") return this.#hearer.onpackets(unpack(data));
      const message = parse(data);
      if (message?.type === "tick") ticks++;
      if (message) this.#hear(socket, message);
    };
    return new Promise((resolve, reject) => {
      socket.onclose = ({ code, reason }) => {
        clearInterval(watch);
        signal.removeEventListener("abort", abort);
        if (this.#socket === socket) this.#socket = null;
        if (code === TAKEN) this.#end(null);
        if (code === MISTAKE) this.#end(`${this.#refusal} Load this page again to try it once more.`);
        this.#hearer.onbroken();
        if (ticks > 0) resolve();
        else reject(new Error(reason || "no line"));
      };
    });
  }

  /**
   * @param {WebSocket} socket
   * @param {{type: string, [field: string]: any}} message
   */
  #hear(socket, message) {
    if (typeof message.now === "number") this.#clock.hear(message.now, wall());
    switch (message.type) {
      case "welcome":
        this.#socket = socket;
        this.#hearer.onwelcome(/** @type {any} */ (message));
        break;
      case "refused":
        this.#refusal = String(message.reason);
        if (this.#socket) this.#hearer.onmessage(message);
        else this.#end(this.#refusal);
        break;
      case "replaced":
        this.#end(null);
        break;
      default:
        this.#hearer.onmessage(message);
    }
  }

  /** @param {string | null} refusal */
  #end(refusal) {
    if (this.#closed.signal.aborted) return;
    this.close();
    this.#hearer.onend(refusal);
  }

  get connected() {
    return this.#socket !== null;
  }

  /** How many packets the station was not sent yet. */
  get unsent() {
    return Math.max(0, this.#keep.end - Math.min(this.#keep.end, this.#next));
  }

  /**
   * @param {number} ours ms by performance.now()
   * @returns {number} ms since 1970 by the station's clock
   */
  stationTime(ours) {
    return this.#clock.toTheirs(performance.timeOrigin + ours);
  }

  /**
   * Says something. Without a line nothing is said: what matters is said again after a welcome.
   * @param {{type: string, [field: string]: any}} message
   */
  send(message) {
    this.#socket?.send(JSON.stringify(message));
  }

  /**
   * Sends packets that are not kept.
   * @param {Packets} packets
   */
  sendPackets(packets) {
    this.#socket?.send(pack(packets));
  }

  /** @param {number} next the station wants the show from here */
  sendFrom(next) {
    this.#next = next;
    this.#sendKept();
  }

  /** Sends what is kept, as fast as the line takes it. */
  #sendKept() {
    clearTimeout(this.#waiting);
    while (this.#socket && this.#next < this.#keep.stored) {
      if (this.#socket.bufferedAmount > ROOM) {
        this.#waiting = setTimeout(() => this.#sendKept(), AGAIN);
        return;
      }
      const kept = together(this.#keep.from(this.#next, BATCH));
      const { captured } = kept[kept.length - 1];
      this.#socket.send(pack({ number: this.#next, captured, packets: kept.map(({ packet }) => packet) }));
      this.#next += kept.length;
    }
  }

  close() {
    this.#closed.abort();
  }
}

/**
 * The first of some packets that were captured without a break: one time is said of all of them.
 * @param {Kept[]} kept
 */
export function together(kept) {
  const end = kept.findIndex(({ captured }, i) => i > 0 && captured - kept[i - 1].captured > BREAK);
  return end < 0 ? kept : kept.slice(0, end);
}

/** ms since 1970, by a clock that is not set while the page is open. */
const wall = () => performance.timeOrigin + performance.now();

/**
 * A dead line does not answer that it is closed, which a WebSocket would wait for.
 * @param {WebSocket} socket
 */
function abandon(socket) {
  socket.close();
  socket.onclose?.(new CloseEvent("close"));
  socket.onclose = socket.onmessage = null;
}
