// How the studio stands, as far as the page shows it.

import { FRAME, RATE } from "./capture/framer.js";
import { Keep } from "./line/keep.js";
import { State } from "./state.js";

/** @import { Line } from "./line/line.js" */
/** @import { Welcome } from "./line/messages.js" */
/** @import { Rehearsal } from "./rehearsal.js" */

const PACKET = FRAME / RATE; // seconds

/** Dispatches "change" when anything but level and times may have changed. */
export class Standing extends EventTarget {
  /** @type {string} one of State */
  state = State.CONNECTING;
  /** What the station has said why, in a state that is for ever, or to the last wish. */
  reason = "";
  /** @type {Welcome | null} */
  welcome = null;
  /** @type {number | null} */
  listeners = null;
  /** @type {Rehearsal | null} */
  rehearsal = null;
  lost = 0; // seconds that did not arrive
  deserted = false; // there was no line for so long that the show is probably over
  /** @protected */
  keep = new Keep(null);
  /**
   * @type {Line | null}
   * @protected
   */
  line = null;

  get channels() {
    return this.welcome?.audio.channels ?? 1;
  }

  get connected() {
    return this.line?.connected ?? false;
  }

  /** Seconds of the show that were said. */
  get elapsed() {
    return this.keep.end * PACKET;
  }

  /** Seconds that are not on the station's disk yet. */
  get kept() {
    return (this.keep.end - this.keep.durable) * PACKET;
  }

  /** Whether a reload would not lose what is kept. */
  get lasting() {
    return this.keep.lasting;
  }

  /** Seconds that still have to be sent. */
  get unsent() {
    return this.connected ? (this.line?.unsent ?? 0) * PACKET : this.kept;
  }

  /**
   * @param {string} state
   * @protected
   */
  set(state) {
    if (this.state === state) return;
    this.state = state;
    this.changed();
  }

  /** @protected */
  changed() {
    this.dispatchEvent(new Event("change"));
  }
}
