// The browser's database (IndexedDB), as far as the studio needs it: for each link one show, and its
// packets by number.

import { silenceBefore } from "../capture/silence.js";
import { within } from "../capture/within.js";

/** @import { Kept } from "./keep.js" */

const NAME = "broadcastbot-studio";
const PATIENCE = 5_000; // ms: a damaged database may never answer
const LARGEST = 30 * 3000; // packets, half an hour, of which it may have lost so many in a row
const DAY = 24 * 3600 * 1000; // ms: no show waits longer for its speaker

/**
 * What a page that is loaded again has to know before the station answers.
 * @typedef {object} Show
 * @property {import("./messages.js").Welcome} welcome whose generation is the device that has spoken it
 * @property {boolean} stopped by the speaker: nothing is added
 * @property {string} [show] its id, if the station has said it
 */

/**
 * @typedef {object} Stored
 * @property {Show | null} show
 * @property {number} first the number of the first packet
 * @property {number} durable the station has all before on its disk
 * @property {Kept[]} packets
 */

export class Database {
  #db;
  #name;

  /**
   * @param {string} name of the show
   * @returns {Promise<Database | null>} null where the browser gives none
   */
  static async open(name) {
    try {
      const request = indexedDB.open(NAME, 1);
      request.onupgradeneeded = () => {
        request.result.createObjectStore("shows");
        request.result.createObjectStore("packets");
      };
      const database = new Database(await within(PATIENCE, done(request)), name);
      await within(PATIENCE, database.#forgetOld());
      return database;
    } catch (error) {
      console.error("the browser stores nothing:", error);
      return null;
    }
  }

  /**
   * @param {IDBDatabase} db
   * @param {string} name
   */
  constructor(db, name) {
    this.#db = db;
    this.#name = name;
  }

  /** @param {IDBTransactionMode} mode */
  #begin(mode) {
    const transaction = this.#db.transaction(["shows", "packets"], mode, { durability: "relaxed" });
    return { transaction, shows: transaction.objectStore("shows"), packets: transaction.objectStore("packets") };
  }

  /** @returns {Promise<Stored>} */
  async load() {
    const { shows, packets } = this.#begin("readonly");
    const [record, keys, values] = await within(
      PATIENCE,
      Promise.all([
        done(shows.get(this.#name)),
        done(packets.getAllKeys(allOf(this.#name))),
        done(packets.getAll(allOf(this.#name))),
      ]),
    );
    const numbers = /** @type {[string, number][]} */ (keys).map(([, number]) => number);
    const first = numbers[0] ?? record?.first ?? 0;
    const channels = record?.show?.welcome.audio.channels ?? 1;
    return {
      show: record?.show ?? null,
      first,
      durable: record?.durable ?? first,
      packets: withoutGaps(numbers, values, channels),
    };
  }

  /**
   * Writes some more packets, and removes those before the first.
   * @param {Stored & {number: number}} change number is that of packets[0]
   */
  write({ show, first, durable, number, packets: fresh }) {
    const { transaction, shows, packets } = this.#begin("readwrite");
    shows.put({ show, first, durable, touched: Date.now() }, this.#name);
    packets.delete(IDBKeyRange.bound([this.#name, -1], [this.#name, first], false, true));
    fresh.forEach((kept, i) => {
      packets.put(kept, [this.#name, number + i]);
    });
    return completed(transaction);
  }

  clear() {
    return this.#remove(this.#name);
  }

  /** @param {IDBValidKey} name */
  #remove(name) {
    const { transaction, shows, packets } = this.#begin("readwrite");
    shows.delete(name);
    packets.delete(allOf(name));
    return completed(transaction);
  }

  /** Removes what nobody came back for. */
  async #forgetOld() {
    const { shows } = this.#begin("readonly");
    const [names, records] = await Promise.all([done(shows.getAllKeys()), done(shows.getAll())]);
    const old = names.filter((_, i) => records[i].touched < Date.now() - DAY);
    await Promise.all(old.map((name) => this.#remove(name)));
  }
}

/**
 * Puts silence where a packet is missing: those behind it keep their numbers.
 * @param {number[]} numbers rising
 * @param {Kept[]} packets
 * @param {number} channels
 */
export function withoutGaps(numbers, packets, channels) {
  /** @type {Kept[]} */
  const whole = [];
  packets.forEach(({ packet, captured }, i) => {
    const missing = numbers[i] - numbers[0] - whole.length;
    const isPacket = packet instanceof Uint8Array && Number.isFinite(captured);
    if (!isPacket || !(missing >= 0 && missing < LARGEST)) throw new Error("what the browser has stored is damaged");
    for (const silence of silenceBefore(missing, captured, channels)) whole.push(silence);
    whole.push({ packet, captured });
  });
  return whole;
}

/** @param {IDBValidKey} name */
const allOf = (name) => IDBKeyRange.bound([name, 0], [name, Infinity]);

/**
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
function done(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/**
 * @param {IDBTransaction} transaction
 * @returns {Promise<void>}
 */
function completed(transaction) {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
    transaction.commit?.();
  });
}
