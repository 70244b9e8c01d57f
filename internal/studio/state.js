/** How the studio stands for its speaker. */
export const State = Object.freeze({
  CONNECTING: "connecting", // nothing is known of the show yet
  READY: "ready", // not on air
  STARTING: "starting", // the station was asked to start the show
  LIVE: "live", // on air; the line may be down
  STOPPING: "stopping", // the speaker has ended it, and the station does not have all of it yet
  ENDED: "ended", // these are for ever: the show is over, or this page has no part in it
  REPLACED: "replaced", // another tab or device speaks now
  REFUSED: "refused", // the station says why
  UNSUPPORTED: "unsupported",
  NO_LINK: "nolink",
});

/** @type {Set<string>} */
export const FINAL = new Set([State.ENDED, State.REPLACED, State.REFUSED, State.UNSUPPORTED, State.NO_LINK]);

/** Whether what is said belongs to the show, or the rest of it is still to arrive. */
export const onAir = (/** @type {string} */ state) => state === State.LIVE || state === State.STOPPING;

/** What becomes of the microphone. */
export const Mic = Object.freeze({
  OFF: "off", // nobody has asked for it
  OPENING: "opening",
  OPEN: "open",
  SLEEPING: "sleeping", // the browser wants a tap first
  REFUSED: "refused", // by the speaker, or by the system
  MISSING: "missing", // there is none
  FAILED: "failed",
});
