// How the speaker wants to be heard: the microphone, voice or music, and what the browser does to it.

import { input as field, select, set } from "../../player/ui/dom.js";
import { recall, remember } from "../../player/ui/settings.js";
import { devices } from "../capture/microphone.js";
import { Mic } from "../state.js";

/** @import { Wishes } from "../capture/microphone.js" */
/** @import { Studio } from "../studio.js" */

const PROCESSING = /** @type {const} */ (["echo", "noise", "gain"]);

const OPENED = "broadcastbot.studio.opened"; // the device that this tab has opened last

/** @returns {Wishes} what was chosen last time; a page that is loaded again asks for the same device */
export function recallWishes() {
  const on = (/** @type {string} */ name) => recall(`studio.${name}`, true);
  const device = sessionStorage.getItem(OPENED) ?? recall("studio.device", "");
  return { device, echo: on("echo"), noise: on("noise"), gain: on("gain") };
}

export class SoundSettings {
  #studio;
  #devices = select("device");
  #opened = ""; // the device that was open when they were listed

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
  async #wish(wishes) {
    for (const [name, value] of Object.entries(wishes)) remember(`studio.${name}`, value);
    await this.#studio.input.wish(wishes);
    this.list(); // the device may be another one than was chosen
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

  /** @param {string} device */
  #noteOpened(device) {
    this.#opened = device;
    sessionStorage.setItem(OPENED, device);
    this.list();
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
    const { wishes, mic, device } = this.#studio.input;
    if (mic === Mic.OPEN && device !== this.#opened) this.#noteOpened(device);
    for (const name of PROCESSING) set(field(name), "checked", wishes[name]);
    const { application } = this.#studio;
    set(field("voip"), "checked", application === "voip");
    set(field("audio"), "checked", application === "audio");
  }
}
