// Speed: remembered, but at the live edge nobody can be faster than the speaker.

import { select, set } from "./dom.js";
import { recall, remember } from "./settings.js";

/** @import { Player } from "../player.js" */

export class Speed {
  #player;
  #select = select("speed");
  #wanted = Number(recall("speed", 1)) || 1;

  /** @param {Player} player */
  constructor(player) {
    this.#player = player;
    this.#select.addEventListener("change", () => this.#choose(Number(this.#select.value)));
  }

  get #options() {
    return [...this.#select.options].map((option) => Number(option.value));
  }

  /**
   * The next of the choices.
   * @param {1 | -1} by faster or slower
   */
  step(by) {
    const options = this.#options;
    const next = options[options.indexOf(this.#player.speed) + by];
    if (next !== undefined && !(this.#player.following && next > 1)) this.#choose(next);
  }

  /** @param {number} speed */
  #choose(speed) {
    this.#wanted = speed;
    remember("speed", speed);
    this.refresh();
  }

  refresh() {
    const speed = this.#player.following ? Math.min(1, this.#wanted) : this.#wanted;
    if (this.#player.speed !== speed) this.#player.setSpeed(speed);
    set(this.#select, "value", String(speed));
    for (const option of this.#select.options)
      set(option, "disabled", this.#player.following && Number(option.value) > 1);
  }
}
