// What the page says: what happened, and what to do or to expect.

import { State } from "../state.js";
import { clock } from "./time.js";

/** @import { Show } from "../recording.js" */
/** @import { Detail } from "../state.js" */

/**
 * What is read of a Player here.
 * @typedef {object} Shown
 * @property {string} state
 * @property {Detail | null} detail
 * @property {Pick<Show, "encrypted"> | null} show
 * @property {boolean} playing
 * @property {boolean} buffering
 * @property {boolean} following
 * @property {boolean} caughtUp
 * @property {number | null} lag only whether it is known: it changes all the time
 * @property {number | null} doubt seconds: what was heard since then may not come from the station
 * @property {Date | null} captured when the newest sound was, as far as the station has signed it
 */

const FETCHING = "The sound is on its way; it starts in a moment.";

/**
 * The state of a player in words. It depends on nothing that changes all the
 * time, because screen readers read every change aloud.
 * @param {Shown} player
 */
export function sentence(player) {
  const said =
    SENTENCES[player.state]?.(player) ??
    `The player is in a state this page does not know (${player.state}): reload it.`;
  if (player.doubt === null) return said;
  return `${said} What you heard since ${clock(player.doubt)} may not come from the station.`;
}

/** @type {Record<string, (player: Shown) => string>} */
const SENTENCES = {
  [State.CONNECTING]: ({ playing }) =>
    playing ? "Connecting to the show; it starts by itself." : "Connecting to the show…",
  [State.LIVE]: (player) => running(player, "On air now."),
  [State.LATE]: (player) =>
    running(player, "The show arrives late: by this device's clock, the newest of it was said some time ago."),
  [State.ASKEW]: (player) =>
    running(player, "The show goes on. This device's clock is slow, so nobody can tell how late it arrives."),
  [State.UNPROVEN]: (player) => running(player, "The server says that this show is on air."),
  [State.PAUSED]: (player) => {
    const pauses = `The server says that nothing comes from the speaker: their line is down, or they take a break${newest(player.captured)}.`;
    if (!player.playing) return `${pauses} Press Play, and the sound comes when they are back.`;
    if (player.buffering || player.caughtUp) return `${pauses} The show goes on by itself when they are back.`;
    return `${pauses} You hear an earlier part of the show.`;
  },
  [State.STALLED]: ({ playing }) =>
    playing
      ? "Nothing arrives at the moment. There is nothing to do: it goes on by itself."
      : "Nothing arrives at the moment. Press Play, and it goes on by itself as soon as it can.",
  [State.CLOSING]: (player) => recording(player, "The server says that the show is over."),
  [State.ENDED]: (player) => recording(player, "The show is over."),
  [State.INTERRUPTED]: (player) =>
    recording(player, "The show broke off before the speaker ended it, or the server keeps the rest."),
  [State.FALSE_END]: (player) =>
    recording(player, "The server says that the show is over, but its end is not what the station sent."),
  [State.DELETED]: () => "This show was deleted. There is nothing to hear here any more.",
  [State.WRONG_KEY]: () => "The address was cut short or the key does not fit: open the link from the room again.",
  [State.DAMAGED]: ({ detail, show }) => damage(clock(detail?.at ?? 0), detail?.code, show?.encrypted),
  [State.OFFLINE]: ({ playing }) =>
    `This device is offline. ${playing ? "The show goes on by itself" : "The show can be played"} when the connection is back.`,
  [State.UNSUPPORTED]: () =>
    "This browser cannot play the show. Open the link in a current Firefox, Chrome or Safari, with https.",
  [State.UNAVAILABLE]: ({ detail }) => refusal(detail?.status),
};

/**
 * Nobody signs that a break goes on, so the listener is told when it began.
 * @param {Date | null} captured
 */
function newest(captured) {
  if (!captured) return "";
  const time = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" }).format(captured);
  return ` (the newest sound is of ${time}, by the station's clock)`;
}

/**
 * @param {Shown} player
 * @param {string} whatHappens
 */
function running(player, whatHappens) {
  const { state, playing, buffering, following } = player;
  if (!playing) return `${whatHappens} Press Play to listen.`;
  if (buffering) return `${whatHappens} ${FETCHING}`;
  if (following && state === State.LIVE) return "On air now, and you hear it live.";
  if (hearsNewest(player)) return `${whatHappens} You hear what there is.`;
  return `${whatHappens} You hear an earlier part; “Go to live” takes you to this moment.`;
}

/**
 * Whether there is nothing newer to go to, as far as that is known.
 * @param {Pick<Shown, "state" | "following" | "caughtUp" | "lag">} player
 */
export function hearsNewest({ state, following, caughtUp, lag }) {
  return following || (caughtUp && (state !== State.LIVE || lag === null));
}

/**
 * @param {string} from the moment
 * @param {string} [code]
 * @param {boolean} [encrypted]
 */
function damage(from, code, encrypted) {
  const done = code === "Checkpoint" ? "signed" : encrypted === false ? "sent" : "sealed";
  const why = `it is not what the station ${done}`;
  return `From ${from} on the show is not played, because ${why}. What comes before can be heard.`;
}

/**
 * @param {Shown} player
 * @param {string} whatHappened
 */
function recording(player, whatHappened) {
  if (player.playing && player.buffering) return `${whatHappened} ${FETCHING}`;
  return `${whatHappened} ${player.playing ? "You hear its recording." : "Press Play to hear its recording."}`;
}

/** @param {number | undefined} status */
function refusal(status) {
  if (status === 404)
    return "There is no show at this address: it was deleted, or the address is not whole. Open the link from the room again.";
  if (status === 429 || status === 503)
    return "More people want to listen than the server can serve. Reload the page in a minute.";
  return `The server does not hand out the show${status ? ` (it answered ${status})` : ""}. Reload the page in a few minutes.`;
}

/**
 * The heading: calm until the title is known, which is encrypted like the show.
 * @param {Pick<Show, "title" | "encrypted"> | null} show
 * @param {boolean} hasKey
 */
export function heading(show, hasKey) {
  if (show?.title) return show.title;
  return (show?.encrypted ?? hasKey) ? "An encrypted show" : "A show";
}

/**
 * What the listener should know about who else can hear this: nothing while it is
 * not known.
 * @param {boolean | undefined} encrypted
 */
export function secrecy(encrypted) {
  if (encrypted === undefined) return "";
  return encrypted
    ? "This show is end-to-end encrypted: the server carries it, but cannot hear it. The key is in the address of this page, behind the #, and never leaves your device. Whoever has the whole address can listen, so treat it like the show itself."
    : "This show is not encrypted, because its room is not: the server can hear it, and so can whoever has this address.";
}
