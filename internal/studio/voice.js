// What is heard of the speaker, and where it goes: a frame of sound into the encoder, its packet to the
// rehearsal, or into the keep and from there over the line.

import { SHOW, Speech } from "./speech.js";
import { Standing } from "./standing.js";
import { onAir, State } from "./state.js";

/** @import { Input } from "./capture/input.js" */
/** @import { Mark } from "./speech.js" */

export class Voice extends Standing {
  input;
  /** @protected */
  speech;
  /** @protected */
  stopped = false; // the last packet of the show has its number

  /**
   * @param {Input} input
   * @param {() => void} onbroken there is no encoder just now
   */
  constructor(input, onbroken) {
    super();
    this.input = input;
    this.speech = new Speech((packet, mark) => this.#hearPacket(packet, mark), onbroken);
    input.onframe = (planes, captured) => this.#hearFrame(planes, captured);
    input.onchange = () => this.changed();
  }

  /**
   * @param {Float32Array[]} planes
   * @param {number} captured ms by performance.now()
   */
  #hearFrame(planes, captured) {
    if (this.state === State.LIVE) this.speech.hear(planes, captured, SHOW);
    else if (this.rehearsal && !this.rehearsal.playing) this.speech.hear(planes, captured, this.rehearsal);
  }

  /**
   * @param {Uint8Array<ArrayBuffer>} packet
   * @param {Mark} mark of its frame
   */
  #hearPacket(packet, { captured, purpose }) {
    if (purpose !== SHOW) {
      if (purpose === this.rehearsal) purpose.say(packet, captured);
    } else if (onAir(this.state) && !this.stopped) this.keep.add({ packet, captured });
  }

  get application() {
    return this.speech.application;
  }

  /** Whether there is no encoder just now, so that silence is sent. */
  get broken() {
    return this.speech.broken;
  }

  /** @param {string} application "voip" or "audio": what the sound is taken for from now on */
  async setApplication(application) {
    await this.speech.setApplication(application);
    this.changed();
  }
}
