// What the page says: what happens, and what to do or to expect.

import { clock, spoken } from "../../player/ui/time.js";
import { Fault } from "../capture/level.js";
import { Mic, onAir, State } from "../state.js";

/** @import { Welcome } from "../line/messages.js" */

/**
 * What is read of a Studio here.
 * @typedef {object} Shown
 * @property {string} state
 * @property {string} reason
 * @property {boolean} connected
 * @property {Pick<Welcome, "roomName" | "grace"> | null} welcome
 * @property {{mic: string, muted: boolean, fault: string | null}} input
 * @property {{playing: boolean} | null} rehearsal
 * @property {number} kept seconds
 * @property {number} unsent seconds
 * @property {number} lost seconds
 * @property {boolean} lasting
 * @property {boolean} [deserted]
 * @property {boolean} [broken]
 */

/**
 * The state in words. It depends on nothing that changes all the time, because screen readers read
 * every change aloud.
 * @param {Shown} studio
 */
export function sentence(studio) {
  return (
    SENTENCES[studio.state]?.(studio) ??
    `The studio is in a state this page does not know (${studio.state}): reload it.`
  );
}

/** @type {Record<string, (studio: Shown) => string>} */
const SENTENCES = {
  [State.CONNECTING]: () => "Connecting to the station…",
  [State.READY]: (studio) => (studio.connected && !studio.rehearsal && studio.reason) || ready(studio),
  [State.STARTING]: ({ connected }) =>
    connected ? "Going on air. Speak when this page says that you are." : `There is no line to the station: ${AGAIN}.`,
  [State.LIVE]: live,
  [State.STOPPING]: ({ connected }) =>
    connected
      ? "The show ends as soon as all of it has arrived. Leave this page open."
      : `The show ends when the line is back and all of it has arrived. Leave this page open: ${AGAIN}.`,
  [State.ENDED]: ({ reason, lost }) => `${reason || "The show is over."}${missing(lost)}`,
  [State.REPLACED]: ({ lost }) =>
    `You speak from another tab or device now, because the link was opened there later. This page is silent.${missing(lost)} To speak from here again, tap the button.`,
  [State.REFUSED]: ({ reason, lost }) =>
    `${reason || "The station does not accept this link. For a new one, write !live start studio in the room."}${missing(lost)}`,
  [State.NO_LINK]: () =>
    "This page needs your personal link. Write !live start studio in the room, and open the link that the bot sends you.",
  [State.UNSUPPORTED]: () =>
    "This browser cannot send sound. Open the link in a current Firefox, Chrome or Safari, with https.",
};

const AGAIN = "it is tried again by itself";

/** @param {Shown} studio */
function ready({ connected, input, rehearsal }) {
  if (!connected) return `There is no line to the station: ${AGAIN}.`;
  if (rehearsal?.playing) return "This is how the room would hear you.";
  if (rehearsal) return "Say something. You hear it when you press the button again; nobody else does.";
  if (input.mic === Mic.OPEN) return "You are not on air: nobody hears you yet.";
  return MIC[input.mic];
}

/** @type {Record<string, string>} */
const MIC = {
  [Mic.OFF]: "You are not on air. Turn on the microphone first: nobody hears you yet.",
  [Mic.OPENING]: "The browser asks whether this page may use the microphone: allow it.",
  [Mic.SLEEPING]: "The microphone is open, but gives no sound until you tap the button.",
  [Mic.REFUSED]:
    "The browser does not let this page use the microphone. Allow it in the address bar, or in the system's settings, and tap the button.",
  [Mic.MISSING]: "There is no microphone. Plug one in, and tap the button.",
  [Mic.FAILED]: "The microphone cannot be opened. Perhaps another program uses it: close that, and tap the button.",
};

/** @param {Shown} studio */
function live({ connected, welcome, input, lasting, deserted }) {
  const grace = spoken(welcome?.grace ?? 120);
  if (deserted)
    return `There was no line to the station for more than ${grace}: the show is probably over, and the microphone is off. Leave this page open: if the station comes back and still wants the show, what is kept is sent.`;
  if (input.mic !== Mic.OPEN)
    return `You are on air, but nothing is heard. ${MIC[input.mic]} After ${grace} without sound the show ends.`;
  if (!connected) {
    const keeping = lasting ? "what you say is kept" : "what you say is kept as long as you do not reload this page";
    return `You are on air, but the line is down. Speak on: ${keeping} and sent when it is back. After ${grace} without a line the show ends.${input.muted ? " You are muted." : ""}`;
  }
  return input.muted ? "You are on air, but muted: the room hears silence." : "You are on air.";
}

/** @param {number} lost seconds */
const missing = (lost) => (lost >= 1 ? ` The last ${amount(lost)} did not arrive in time.` : "");

/**
 * What is wrong with the sound; "" where nothing is.
 * @param {Shown} studio
 */
export function warning({ input, broken }) {
  if (broken) return "This browser cannot send your sound just now: silence is sent, and it is tried again by itself.";
  if (input.fault === Fault.SILENT)
    return "Nothing is heard. Is the microphone muted or unplugged, or do you speak into another one?";
  if (input.fault === Fault.CLIPPING)
    return "Too loud: the sound is distorted. Move away, or turn the microphone down.";
  return "";
}

const LATE = 3; // seconds: so much is always on its way

/**
 * What the line does.
 * @param {Shown} studio
 */
export function lineWords({ state, connected, kept, unsent }) {
  if (!onAir(state)) return connected ? "Connected" : "No line";
  if (!connected) return `No line: ${amount(kept)} kept here`;
  if (unsent >= LATE) return `Catching up: ${amount(unsent)} to send`;
  return kept >= LATE ? `Sent: ${amount(kept)} not yet stored` : "All has arrived";
}

/** @param {number} seconds */
const amount = (seconds) => (seconds < 60 ? `${Math.round(seconds)} s` : `${clock(seconds)} min`);

/** @param {number | null} count */
export function listenersWords(count) {
  return count === null ? "" : `${count} listening`;
}

/**
 * What the big button does, in the words on it.
 * @param {Shown} studio
 */
export function bigWords({ state, input, connected }) {
  if (state === State.REPLACED) return "Speak here";
  if (state === State.STARTING) return "Going on air…";
  if (state === State.STOPPING) return "Ending…";
  if (input.mic !== Mic.OPEN) return state === State.LIVE ? "Speak on" : "Turn on microphone";
  if (state === State.LIVE) return "Stop";
  return connected ? "Go on air" : "No line";
}
