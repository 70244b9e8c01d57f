// The sleep timer: pauses after a while, or when there is no more of the show.

import { State } from "../state.js";
import { $, notify, select, setText } from "./dom.js";

/** @import { Player } from "../player.js" */

export class Sleep {
  #player;
  #select = select("sleep");
  #timer = 0;
  /** @type {number | null} ms, when to pause */
  #at = null;

  /** @param {Player} player */
  constructor(player) {
    this.#player = player;
    this.#select.addEventListener("change", () => this.#choose(this.#select.value));
  }

  /** @param {string} choice */
  #choose(choice) {
    clearTimeout(this.#timer);
    const minutes = Number(choice); // NaN for the end of the show
    this.#at = minutes > 0 ? Date.now() + minutes * 60_000 : null;
    if (this.#at !== null) this.#timer = setTimeout(() => this.refresh(), minutes * 60_000 + 100);
    this.refresh();
  }

  refresh() {
    const left = (this.#at ?? Infinity) - Date.now();
    if (left <= 0) this.#pause("The sleep timer has paused the show.");
    if (this.#select.value === "end" && this.#atEnd) {
      const what = this.#player.state === State.ENDED ? "The show is over" : "There is no more of the show";
      this.#pause(`${what}; the sleep timer has paused it.`);
    }
    setText($("sleepleft"), this.#at === null ? "" : ` (${Math.ceil(left / 60_000)} min left)`);
  }

  get #atEnd() {
    const { running, playing, position, duration } = this.#player;
    return playing && !running && duration > 0 && position >= duration - 0.1;
  }

  /** @param {string} why */
  #pause(why) {
    this.#select.value = "off";
    this.#at = null;
    this.#player.pause();
    notify(why);
  }
}
