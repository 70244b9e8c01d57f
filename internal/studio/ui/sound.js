// How the speaker wants to be heard: the microphone, voice or music, and what the browser does to it.

import { input as field, select, set } from "../../player/ui/dom.js";
import { recall, remember } from "../../player/ui/settings.js";
import { devices } from "../capture/microphone.js";

/** @import { Wishes } from "../capture/microphone.js" */
/** @import { Studio } from "../studio.js" */

const PROCESSING = /** @type {const} */ (["echo", "noise", "gain"]);

/** @returns {Wishes} what was chosen last time */
export function recallWishes() {
  const on = (/** @type {string} */ name) => recall(`studio.${name}`, true);
  return { device: recall("studio.device", ""), echo: on("echo"), noise: on("noise"), gain: on("gain") };
}

export class SoundSettings {
  #studio;
  #devices = select("device");

  /** @param {Studio} studio */
  constructor(studio) {
    this.#studio = studio;
    this.#devices.addEventListener("change", () => this.#wish({ device: this.#devices.value }));
    for (const name of PROCESSING) {
      field(name).addEventListener("change", () => this.#wish({ [name]: field(name).checked }));
    }
    for (const application of ["voip", "audio"]) {
      field(application).addEventListener("change", () => this.#choose(application));
    }
    const chosen = recall("studio.application", "");
    if (chosen) studio.setApplication(chosen);
    navigator.mediaDevices?.addEventListener("devicechange", () => this.#deviceChange());
  }

  /** @param {Partial<Wishes>} wishes */
  #wish(wishes) {
    for (const [name, value] of Object.entries(wishes)) remember(`studio.${name}`, value);
    this.#studio.input.wish(wishes);
  }

  /**
   * What helps a voice harms music.
   * @param {string} application
   */
  #choose(application) {
    remember("studio.application", application);
    this.#studio.setApplication(application);
    const voice = application === "voip";
    this.#wish({ echo: voice, noise: voice, gain: voice });
    this.refresh();
  }

  #deviceChange() {
    this.#studio.input.recover();
    this.list();
  }

  /** Lists the microphones, which have names as soon as one was opened. */
  async list() {
    const found = (await devices().catch(() => [])).filter(({ deviceId }) => deviceId);
    const names = found.map(({ label }, i) => label || `Microphone ${i + 1}`);
    if (names.join("\n") !== Array.from(this.#devices.options, ({ text }) => text).join("\n")) {
      this.#devices.replaceChildren(...found.map(({ deviceId }, i) => new Option(names[i], deviceId)));
    }
    set(this.#devices, "disabled", found.length === 0);
    set(this.#devices, "value", this.#studio.input.device || found[0]?.deviceId || "");
  }

  refresh() {
    const { wishes } = this.#studio.input;
    for (const name of PROCESSING) set(field(name), "checked", wishes[name]);
    const { application } = this.#studio;
    set(field("voip"), "checked", application === "voip");
    set(field("audio"), "checked", application === "audio");
  }
}
