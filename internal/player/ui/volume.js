// Volume and mute.

import { $, set, setAttribute } from "./dom.js";
import { recall, remember } from "./settings.js";

export class Volume {
  #player;
  #range = $("volume");
  #mute = $("mute");

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

  step(by) {
    this.#choose(Math.max(0, Math.min(1, this.#player.volume + by)));
  }

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
