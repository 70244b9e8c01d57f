// The speaker's line: one connection after the other, over which messages and packets go to the
// station, and what the station says comes back.

import { retry } from "../../player/fetch/retry.js";
import { ClockOffset } from "../capture/clock.js";
import { Connection } from "./connection.js";
import { INVALID, MISTAKE, pack, parse, TAKEN, unpack } from "./messages.js";
import { generation, keepGeneration } from "./secret.js";

/** @import { Keep, Kept } from "./keep.js" */
/** @import { Packets, Welcome } from "./messages.js" */

const BATCH = 50; // packets of one message
const BREAK = 100; // ms between two packets
const ROOM = 64 << 10; // bytes that may wait in the browser: more would only be sent in vain
const AGAIN = 50; // ms until it is tried to send more
const PATIENCE = 3; // mistakes: then trying again cannot help
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
  connected = false; // the station has answered
  /** @type {Connection | null} */
  #connection = null;
  #url;
  #secret;
  #keep;
  #hearer;
  #closed = new AbortController();
  #clock = new ClockOffset(TICKS);
  #next = Infinity; // the number of the packet that is sent next; none while nobody wants any
  #waiting = 0; // timer
  #ticks = 0; // heard on this connection
  #durable; // the station has all packets before on its disk
  #mistakes = 0; // of ours, as the station says, since it has stored something
  #refusal = ""; // what the station has refused last

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
    this.#durable = keep.durable;
    this.#hearer = hearer;
    keep.onstored = () => this.#store();
    this.#run();
  }

  get #greeting() {
    return JSON.stringify({ type: "hello", secret: this.#secret, generation: generation() });
  }

  /** Keeps a line until the page has no use for one any more. */
  async #run() {
    const { signal } = this.#closed;
    try {
      while (!signal.aborted)
        await retry(
          () => this.#converse(),
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
   */
  async #converse() {
    const connection = (this.#connection = new Connection(this.#url, this.#greeting));
    this.#ticks = 0;
    this.#next = Infinity; // until the station has said what it wants
    connection.ontext = (text) => this.#hear(parse(text));
    connection.onbytes = (bytes) => this.#hearer.onpackets(unpack(bytes));
    const { code, reason } = await connection.closed;
    this.#connection = null;
    this.connected = false;
    if (code === TAKEN) this.#end(null);
    if (code === INVALID) this.#end(this.#refusal || reason);
    if (code === MISTAKE && ++this.#mistakes >= PATIENCE) this.#end(this.#refusal);
    this.#hearer.onbroken();
    if (this.#ticks === 0) throw new Error(reason || "no line");
  }

  /** @param {{type: string, [field: string]: any} | null} message */
  #hear(message) {
    if (typeof message?.now === "number") this.#clock.hear(message.now, performance.timeOrigin + performance.now());
    switch (message?.type) {
      case "welcome":
        this.connected = true;
        keepGeneration(message.generation ?? 0);
        this.#hearer.onwelcome(/** @type {any} */ (message));
        break;
      case "tick":
        this.#ticks++;
        break;
      case "durable":
        if (message.next > this.#durable) this.#mistakes = 0; // else all of them may be one and the same
        this.#durable = Math.max(this.#durable, message.next);
        this.#hearer.onmessage(message);
        break;
      case "refused":
        this.#refusal = String(message.reason);
        if (this.connected) this.#hearer.onmessage(message);
        else this.#end(this.#refusal);
        break;
      case "replaced":
        this.#end(null);
        break;
      default:
        if (message) this.#hearer.onmessage(message);
    }
  }

  /** @param {string | null} refusal */
  #end(refusal) {
    if (this.#closed.signal.aborted) return;
    this.close();
    this.#hearer.onend(refusal);
  }

  close() {
    this.#closed.abort();
    this.#connection?.close();
  }

  /** How many packets the station was not sent yet. */
  get unsent() {
    return Math.max(0, this.#keep.end - Math.min(this.#keep.end, this.#next));
  }

  /**
   * Says something. Without a line nothing is said: what matters is said again after a welcome.
   * @param {{type: string, [field: string]: any}} message
   */
  send(message) {
    if (this.connected) this.#connection?.send(JSON.stringify(message));
  }

  /**
   * Sends packets, kept ones or not.
   * @param {Packets} message captured is by the page's clock: how far that is wrong is known on a line only
   */
  sendPackets({ number, captured, packets }) {
    const at = Math.max(0, this.#clock.toTheirs(captured));
    if (this.connected) this.#connection?.send(pack({ number, captured: at, packets }));
  }

  /** @param {number} next the station wants the show from here */
  sendFrom(next) {
    this.#next = next;
    this.#sendKept();
  }

  /** Timers sleep in tabs that nobody sees, sound does not. */
  #store() {
    this.#connection?.look();
    this.#sendKept();
  }

  /** Sends what is kept, as fast as the line takes it. */
  #sendKept() {
    clearTimeout(this.#waiting);
    while (this.connected && this.#connection && this.#next < this.#keep.stored) {
      if (this.#connection.waiting > ROOM) {
        this.#waiting = setTimeout(() => this.#sendKept(), AGAIN);
        return;
      }
      const kept = together(this.#keep.from(this.#next, BATCH));
      const { captured } = kept[kept.length - 1];
      this.sendPackets({ number: this.#next, captured, packets: kept.map(({ packet }) => packet) });
      this.#next += kept.length;
    }
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
