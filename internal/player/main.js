// The listen page: what the listener sees and does, wired to the player.

import { parseLink } from "./format/link.js";
import { Player } from "./player.js";
import { FINAL, State } from "./state.js";
import { linkAt, parsePath, sameShow } from "./ui/address.js";
import { copyLink } from "./ui/copy.js";
import { $, button, dialog, set, setAttribute, setText } from "./ui/dom.js";
import { Download } from "./ui/download.js";
import { listenToKeys } from "./ui/keys.js";
import { MediaControls } from "./ui/media-session.js";
import { SeekBar } from "./ui/seekbar.js";
import { Sleep } from "./ui/sleep.js";
import { Speed } from "./ui/speed.js";
import { behind, clock } from "./ui/time.js";
import { Volume } from "./ui/volume.js";
import { heading, hearsNewest, secrecy, sentence } from "./ui/words.js";

const TICK = 200; // ms between looks at what moves, while the page is seen
const AWAY = 15; // seconds: who is to begin so far from the live edge may want to go there

let fragment = location.hash.slice(1);
const hasKey = parseLink(fragment).key !== "";
const player = new Player({ ...parsePath(location.pathname), fragment });
const seekbar = new SeekBar(player);
const speed = new Speed(player);
const volume = new Volume(player);
const sleep = new Sleep(player);
new Download(player);
let touched = false; // the listener has played or sought

// What the listener does.

function toggle() {
  if (button("play").disabled) return;
  if (player.playing) player.pause();
  else play();
}

function play() {
  touched = true;
  player.play();
  refresh(); // within the click, which alone may start the silent element
}

/** @param {number} seconds */
function seek(seconds) {
  touched = true;
  if (player.duration > 0) player.seek(Math.max(0, Math.min(seconds, player.duration)));
}

/** @param {number} seconds */
const skip = (seconds) => seek(player.position + seconds);

function goLive() {
  touched = true;
  player.goLive();
  refresh();
}

/**
 * @param {string} id
 * @param {() => unknown} act
 */
const click = (id, act) => $(id).addEventListener("click", act);
click("play", toggle);
click("back", () => skip(-30));
click("forward", () => skip(30));
click("golive", goLive);
click("copy", () => copyLink(linkAt(location, fragment, player.position), player.position));
click("keys", () => dialog("help").showModal());
click("closehelp", () => dialog("help").close());

const tenths = Array.from({ length: 10 }, (_, n) => [n, () => seek((player.duration * n) / 10)]);
listenToKeys({
  " ": toggle,
  k: toggle,
  j: () => skip(-30),
  l: () => skip(30),
  ArrowLeft: () => skip(-10),
  ArrowRight: () => skip(10),
  ArrowUp: () => volume.step(0.05),
  ArrowDown: () => volume.step(-0.05),
  m: () => volume.toggle(),
  "<": () => speed.step(-1),
  ">": () => speed.step(1),
  g: goLive,
  "?": () => dialog("help").showModal(),
  ...Object.fromEntries(tenths),
});

const controls = new MediaControls(player, {
  play,
  pause: () => player.pause(),
  stop: () => player.pause(),
  seekbackward: ({ seekOffset }) => skip(-(seekOffset ?? 30)),
  seekforward: ({ seekOffset }) => skip(seekOffset ?? 30),
  seekto: ({ seekTime }) => seek(seekTime ?? player.position),
});

addEventListener("hashchange", () => {
  const before = fragment;
  fragment = location.hash.slice(1);
  if (!sameShow(before, fragment)) return location.reload();
  const { start } = parseLink(fragment);
  if (start !== null) seek(start);
});

// What the listener sees.

/** Everything that changes now and then. */
function refresh() {
  const title = heading(player.show, hasKey);
  touched ||= player.playing;
  setText($("title"), title);
  set(document, "title", player.state === State.LIVE ? `● LIVE — ${title}` : title);
  showOrigin();
  setAttribute(document.body, "data-state", player.state);
  setText($("secrecy"), secrecy(player.show?.encrypted ?? (hasKey || undefined)));
  set(button("download"), "disabled", !player.show || FINAL.has(player.state));
  speed.refresh();
  volume.refresh();
  controls.refresh(title);
  if (document.visibilityState === "visible") move();
  else sleep.refresh();
}

/** Who speaks, and since when. */
function showOrigin() {
  const { speaker, started } = player.show ?? {};
  const [, name, server] = /^(@[^:]+)(:.+)$/.exec(speaker ?? "") ?? [null, speaker ?? "", ""];
  setText($("speaker").children[0], name);
  setText($("speaker").children[1], server);
  setText(
    $("date"),
    started ? new Intl.DateTimeFormat(undefined, { dateStyle: "long", timeStyle: "short" }).format(started) : "",
  );
  if (started) setAttribute($("date"), "datetime", started.toISOString());
}

function showPlayButton() {
  const control = button("play");
  set(control, "disabled", !player.playing && FINAL.has(player.state));
  setAttribute(control, "aria-label", player.playing ? "Pause" : "Play");
  setAttribute(control, "data-look", !player.playing ? "play" : player.buffering ? "wait" : "pause");
}

/** Everything that changes all the time. */
function move() {
  const { running, following, lag, state } = player;
  seekbar.refresh();
  setText($("position"), clock(seekbar.position));
  setText($("duration"), clock(seekbar.duration));
  set($("badge"), "hidden", state !== State.LIVE);
  setAttribute($("badge"), "data-following", following);
  setText($("lag"), running && touched && lag !== null ? behind(lag, ofWhat(state)) : "");
  const canGo = touched || player.duration - player.position > AWAY;
  set($("golive"), "hidden", !running || hearsNewest(player) || !canGo);
  for (const id of ["back", "forward", "copy"]) set(button(id), "disabled", player.duration === 0);
  setText($("state"), sentence(player)); // with all that moves, as buffering does
  showPlayButton();
  sleep.refresh();
}

/**
 * What the listener is behind of, where that is not simply the speaker.
 * @param {string} state
 */
function ofWhat(state) {
  if (!player.recording.stream.signed) return "the server";
  return state === State.LATE ? "by this device's clock" : "";
}

let ticking = 0;
function watch() {
  clearInterval(ticking);
  if (document.visibilityState !== "visible") return;
  ticking = setInterval(move, TICK);
  refresh();
}

$("date").lang = navigator.language; // unlike the page, it is written as the listener does
player.addEventListener("change", refresh);
document.addEventListener("visibilitychange", watch);
watch();
