// Volume and mute.

import { button, input, set, setAttribute } from "./dom.js";
import { recall, remember } from "./settings.js";

/** @import { Player } from "../player.js" */

export class Volume {
  #player;
  #range = input("volume");
  #mute = button("mute");

  /** @param {Player} player */
  constructor(player) {
    this.#player = player;
    player.setVolume(Number(recall("volume", 1)));
    this.#range.addEventListener("input", () => this.#choose(this.#range.valueAsNumber));
    this.#mute.addEventListener("click", () => this.toggle());
  }

  toggle() {
    this.#player.setMuted(!this.#player.muted);
    this.refresh();
  }

  /** @param {number} by */
  step(by) {
    this.#choose(Math.max(0, Math.min(1, this.#player.volume + by)));
  }

  /** @param {number} volume */
  #choose(volume) {
    this.#player.setVolume(volume);
    this.#player.setMuted(false);
    remember("volume", volume);
    this.refresh();
  }

  refresh() {
    const { volume, muted } = this.#player;
    set(this.#range, "value", String(Math.round(volume * 20) / 20));
    setAttribute(this.#range, "aria-valuetext", `${Math.round(volume * 100)} percent${muted ? ", muted" : ""}`);
    setAttribute(this.#mute, "aria-pressed", muted);
  }
}
