import { Refused } from "./fetch/request.js";
import { BlockError } from "./format/refusal.js";

/** How a show stands for its listener. */
export const State = Object.freeze({
  CONNECTING: "connecting", // nothing is known yet
  LIVE: "live", // the show runs,
  PAUSED: "paused", // and the speaker pauses,
  STALLED: "stalled", // or nothing arrives,
  LATE: "late", // or what arrives was captured some time ago,
  ASKEW: "askew", // or so it seems to be that our clock and the station's differ,
  UNPROVEN: "unproven", // or the gateway says so, and nothing shows it yet
  CLOSING: "closing", // it is over, as the gateway says, and its end was not read yet
  ENDED: "ended", // it is over, with its authenticated end,
  INTERRUPTED: "interrupted", // without,
  FALSE_END: "falseend", // or with one that is not the station's
  DAMAGED: "damaged", // it was altered at detail.at seconds, and is not played from there
  OFFLINE: "offline", // this device has no network
  DELETED: "deleted", // these four are for ever: it cannot be played
  WRONG_KEY: "wrongkey",
  UNAVAILABLE: "unavailable", // detail.status
  UNSUPPORTED: "unsupported",
});

/** @type {Set<string>} */
export const FINAL = new Set([State.DELETED, State.WRONG_KEY, State.UNAVAILABLE, State.UNSUPPORTED]);

/** How far the player has got. */
export const Phase = Object.freeze({
  CONNECTING: "connecting", // how the show stands, and how long it is, is not known
  WAITING: "waiting", // for play: where to begin is only noted
  STARTED: "started", // the playback knows where it is
});

/**
 * @typedef {object} Detail of a state
 * @property {number} [at] seconds
 * @property {string} [code]
 * @property {number} [status]
 */

/**
 * The state in which an error leaves a show.
 * @param {unknown} error
 * @param {number} at seconds up to which there was no error
 * @returns {{state: string, detail: Detail | null}}
 */
export function stateOf(error, at) {
  if (error instanceof Refused) {
    return { state: error.status === 410 ? State.DELETED : State.UNAVAILABLE, detail: { status: error.status } };
  }
  if (!(error instanceof BlockError)) return { state: State.UNAVAILABLE, detail: {} };
  if (error.code === "WrongKey") return { state: State.WRONG_KEY, detail: null };
  return { state: State.DAMAGED, detail: { at, code: error.code } };
}
