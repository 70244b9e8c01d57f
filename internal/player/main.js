// The listen page: what the listener sees and does, wired to the player.

import { parseFragment } from "./format/link.js";
import { Player } from "./player.js";
import { parsePath, sameShow } from "./ui/address.js";
import { copyLink } from "./ui/copy.js";
import { $, set, setAttribute, setText } from "./ui/dom.js";
import { Download } from "./ui/download.js";
import { listenToKeys } from "./ui/keys.js";
import { MediaControls } from "./ui/media-session.js";
import { SeekBar } from "./ui/seekbar.js";
import { Sleep } from "./ui/sleep.js";
import { Speed } from "./ui/speed.js";
import { behind, clock } from "./ui/time.js";
import { Volume } from "./ui/volume.js";
import { heading, secrecy, sentence } from "./ui/words.js";

const TICK = 200; // ms between looks at what moves, while the page is seen
const AWAY = 15; // seconds: who is to begin so far from the live edge may want to go there
const NOTHING_TO_HEAR = new Set(["deleted", "wrongkey", "unavailable", "unsupported"]);

let fragment = location.hash.slice(1);
const hasKey = parseFragment(fragment).key !== "";
const player = new Player({ ...parsePath(location.pathname), fragment });
const seekbar = new SeekBar(player);
const speed = new Speed(player);
const volume = new Volume(player);
const sleep = new Sleep(player);
new Download(player);
let touched = false; // the listener has played or sought

// What the listener does.

function toggle() {
  if ($("play").disabled) return;
  if (player.playing) player.pause();
  else play();
}

function play() {
  touched = true;
  player.play();
  refresh(); // within the click, which alone may start the silent element
}

function seek(seconds) {
  touched = true;
  if (player.duration > 0) player.seek(Math.max(0, Math.min(seconds, player.duration)));
}

const skip = (seconds) => seek(player.position + seconds);

function goLive() {
  touched = true;
  player.goLive();
  refresh();
}

const click = (id, act) => $(id).addEventListener("click", act);
click("play", toggle);
click("back", () => skip(-30));
click("forward", () => skip(30));
click("golive", goLive);
click("copy", () => copyLink(player.linkAt(player.position), player.position));
click("keys", () => $("help").showModal());
click("closehelp", () => $("help").close());

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
  "?": () => $("help").showModal(),
  ...Object.fromEntries(tenths),
});

const controls = new MediaControls(player, {
  play,
  pause: () => player.pause(),
  stop: () => player.pause(),
  seekbackward: ({ seekOffset }) => skip(-(seekOffset ?? 30)),
  seekforward: ({ seekOffset }) => skip(seekOffset ?? 30),
  seekto: ({ seekTime }) => seek(seekTime),
});

addEventListener("hashchange", () => {
  const before = fragment;
  fragment = location.hash.slice(1);
  if (!sameShow(before, fragment)) return location.reload();
  const { start } = parseFragment(fragment);
  if (start !== null) seek(start);
});

// What the listener sees.

/** Everything that changes now and then. */
function refresh() {
  const title = heading(player.show, hasKey);
  touched ||= player.playing;
  setText($("title"), title);
  set(document, "title", player.running ? `● LIVE — ${title}` : title);
  showOrigin();
  setAttribute(document.body, "data-state", player.state);
  setText($("secrecy"), secrecy(player.show?.encrypted ?? (hasKey || player.state === "wrongkey")));
  set($("download"), "disabled", !player.show || NOTHING_TO_HEAR.has(player.state));
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
  setText($("date"), started ? new Intl.DateTimeFormat(undefined, { dateStyle: "long", timeStyle: "short" }).format(started) : "");
  if (started) setAttribute($("date"), "datetime", started.toISOString());
}

function showPlayButton() {
  const button = $("play");
  set(button, "disabled", !player.playing && NOTHING_TO_HEAR.has(player.state));
  setAttribute(button, "aria-label", player.playing ? "Pause" : "Play");
  setAttribute(button, "data-look", !player.playing ? "play" : player.buffering ? "wait" : "pause");
}

/** Everything that changes all the time. */
function move() {
  const { running, following, lag } = player;
  seekbar.refresh();
  setText($("position"), clock(seekbar.position));
  setText($("duration"), clock(seekbar.duration));
  set($("badge"), "hidden", !running);
  setAttribute($("badge"), "data-following", following);
  setText($("lag"), running && touched && lag !== null ? behind(lag) : "");
  set($("golive"), "hidden", !running || following || !(touched || player.duration - player.position > AWAY));
  for (const id of ["back", "forward", "copy"]) set($(id), "disabled", player.duration === 0);
  setText($("state"), sentence(player)); // with all that moves, as buffering does
  showPlayButton();
  sleep.refresh();
}

let ticking;
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
