// What the station does not have on disk yet, so that it can be sent (again): in memory, and in the
// browser's database for a page that is loaded again.

import { silenceBefore } from "../capture/silence.js";

/** @import { Database, Show } from "./database.js" */

/**
 * @typedef {object} Kept
 * @property {Uint8Array<ArrayBuffer>} packet
 * @property {number} captured ms since 1970 by the clock of the page
 */

const TRIM = 500; // packets: the memory of fewer is not worth being freed

/**
 * Numbers the packets of a show and keeps them. A packet has to be stored before it is sent: what the
 * station has must be known to a page that is loaded again, lest it gives a number twice.
 */
export class Keep {
  /** Called when more was stored. */
  onstored = () => {};
  end = 0; // the number of the next packet
  stored = 0; // the number of the first that is not in the database
  durable = 0; // the station has all before on its disk
  #first = 0; // the number of
  /** @type {Kept[]} */
  #packets = []; // [0]
  /** @type {Show | null} what else a page that is loaded again has to know */
  #show = null;
  #database;
  #writing = false;
  #changed = false; // since the last write
  #forgotten = 0; // times

  /** @param {Database | null} database null where the browser gives none */
  constructor(database) {
    this.#database = database;
  }

  /** Takes what the page had before it was loaded again. A database that is damaged is not used. */
  async load() {
    const stored = await this.#database?.load().catch((error) => this.#doWithout(error));
    if (!stored?.show) {
      if (stored?.packets.length) await this.clear(); // of no show
      return null;
    }
    this.#show = stored.show;
    this.#packets = stored.packets;
    this.#first = stored.first;
    this.end = this.stored = stored.first + stored.packets.length;
    this.durable = Math.min(Math.max(stored.first, stored.durable), this.end);
    return stored.show;
  }

  /**
   * Whether what is kept has a place in the show that the station has: it has not if that is another one,
   * or if other devices have spoken since.
   * @param {{show?: string, generation?: number}} welcome
   */
  belongsTo({ show, generation }) {
    const kept = this.#show;
    if (!kept) return true;
    if (kept.show && show && show !== kept.show) return false;
    const mine = kept.welcome.generation;
    return !mine || !generation || generation <= mine + 1;
  }

  /** Whether a page that is loaded again has what is kept. */
  get lasting() {
    return this.#database !== null;
  }

  /** @param {Kept} kept */
  add(kept) {
    this.#packets.push(kept);
    this.end++;
    this.#write();
  }

  /** @param {Show} show */
  note(show) {
    this.#show = show;
    this.#changed = true;
    this.#write();
  }

  /**
   * The packets from a number on that may be sent.
   * @param {number} number
   * @param {number} most
   */
  from(number, most) {
    return this.#packets.slice(number - this.#first, Math.min(number + most, this.stored) - this.#first);
  }

  /** @param {number} next all packets before are on the station's disk */
  confirm(next) {
    this.durable = Math.max(this.durable, Math.min(next, this.end));
    if (this.durable - this.#first < TRIM) return;
    this.#packets.splice(0, this.durable - this.#first);
    this.#first = this.durable;
    this.#changed = true;
    this.#write();
  }

  /**
   * The show goes on at a number behind all that is kept: the rest was spoken elsewhere.
   * @param {number} number
   */
  skipTo(number) {
    this.#packets = [];
    this.#first = this.end = this.stored = this.durable = number;
    this.#changed = true;
    this.#write();
  }

  /**
   * The station wants packets again that are not kept: another device has sent them, and the station
   * died before it had them on disk. Silence takes their place.
   * @param {number} number of the first
   * @param {number} channels
   */
  refill(number, channels) {
    const missing = this.#first - number;
    if (missing <= 0) return;
    this.#packets = silenceBefore(missing, this.#packets[0]?.captured ?? 0, channels).concat(this.#packets);
    this.#first = this.durable = number;
  }

  /** Forgets the show. */
  async clear() {
    this.#forgotten++;
    this.#show = null;
    this.#packets = [];
    this.#first = this.end = this.stored = this.durable = 0;
    await this.#database?.clear().catch(() => {}); // a day later it is cleared again
  }

  /** Writes until all is written; what comes meanwhile is written together. */
  async #write() {
    if (this.#writing) return;
    this.#writing = true;
    while (this.#show && (this.#changed || this.stored < this.end)) {
      this.#changed = false;
      await this.#writeOnce(this.end);
      this.onstored();
    }
    this.#writing = false;
  }

  /** @param {number} end */
  async #writeOnce(end) {
    const forgotten = this.#forgotten;
    const number = Math.max(this.stored, this.#first);
    const fresh = this.#packets.slice(number - this.#first, end - this.#first);
    try {
      await this.#database?.write({
        show: this.#show,
        first: this.#first,
        durable: this.durable,
        number,
        packets: fresh,
      });
    } catch (error) {
      this.#doWithout(error);
    }
    if (forgotten === this.#forgotten) this.stored = Math.max(this.stored, Math.min(end, this.end));
  }

  /** @param {unknown} error */
  #doWithout(error) {
    console.error("the browser does not store the show any more:", error);
    this.#database?.clear().catch(() => {}); // what is not whole would mislead a page that is loaded again
    this.#database = null;
  }
}
