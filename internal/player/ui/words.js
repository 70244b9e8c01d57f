// What the page says: what happened, and what to do or to expect.

import { clock } from "./time.js";

const FETCHING = "The sound is on its way; it starts in a moment.";

/**
 * The state of a player in words. It depends on nothing that changes all the
 * time, because screen readers read every change aloud.
 * @param player a Player, or an object with what is read of it here
 */
export function sentence(player) {
  return SENTENCES[player.state]?.(player) ?? `The player is in a state this page does not know (${player.state}): reload it.`;
}

const SENTENCES = {
  connecting: ({ playing }) => (playing ? "Connecting to the show; it starts by itself." : "Connecting to the show…"),
  live: (player) => {
    if (!player.playing) return "On air now. Press Play to listen.";
    if (player.buffering) return `On air now. ${FETCHING}`;
    return player.following ? "On air now, and you hear it live." : "On air now. You hear an earlier part; “Go to live” takes you to this moment.";
  },
  paused: (player) => {
    if (!player.playing) return "The speaker is taking a break. Press Play, and the sound comes when they are back.";
    if (player.buffering || player.following) return "The speaker is taking a break. The show goes on by itself when they are back.";
    return "The speaker is taking a break. You hear an earlier part of the show.";
  },
  stalled: ({ playing }) =>
    playing
      ? "Nothing arrives at the moment. There is nothing to do: it goes on by itself."
      : "Nothing arrives at the moment. Press Play, and it goes on by itself as soon as it can.",
  ended: (player) => recording(player, "The show is over."),
  interrupted: (player) => recording(player, "The show broke off before the speaker ended it."),
  deleted: () => "This show was deleted. There is nothing to hear here any more.",
  wrongkey: () => "The address was cut short or the key does not fit: open the link from the room again.",
  damaged: ({ detail, show }) =>
    `From ${clock(detail?.at)} on the show is not played, because it is not what the speaker ${show?.encrypted === false ? "sent" : "sealed"}. What comes before can be heard.`,
  offline: ({ playing }) => `This device is offline. ${playing ? "The show goes on by itself" : "The show can be played"} when the connection is back.`,
  unsupported: () => "This browser cannot play the show. Open the link in a current Firefox, Chrome or Safari, with https.",
  unavailable: ({ detail }) => refusal(detail?.status),
};

function recording(player, whatHappened) {
  if (player.playing && player.buffering) return `${whatHappened} ${FETCHING}`;
  return `${whatHappened} ${player.playing ? "You hear its recording." : "Press Play to hear its recording."}`;
}

function refusal(status) {
  if (status === 404 || status === 410) return "There is no show at this address: it was deleted, or the address is not whole. Open the link from the room again.";
  if (status === 429 || status === 503) return "More people want to listen than the server can serve. Reload the page in a minute.";
  return `The server does not hand out the show${status ? ` (it answered ${status})` : ""}. Reload the page in a few minutes.`;
}

/** The heading: calm until the title is known, which is encrypted like the show. */
export function heading(show, hasKey) {
  if (show?.title) return show.title;
  return (show?.encrypted ?? hasKey) ? "An encrypted show" : "A show";
}

/** What the listener should know about who else can hear this. */
export function secrecy(encrypted) {
  return encrypted
    ? "This show is end-to-end encrypted: the server carries it, but cannot hear it. The key is in the address of this page, behind the #, and never leaves your device. Whoever has the whole address can listen, so treat it like the show itself."
    : "This show is not encrypted, because its room is not: the server can hear it, and so can whoever has this address.";
}
