// The studio page: what the speaker sees and does, wired to the studio.

import { $, button, dialog, input as field, set, setAttribute, setText } from "../player/ui/dom.js";
import { clock, spoken } from "../player/ui/time.js";
import { Input } from "./capture/input.js";
import { FINAL, Mic, onAir, State } from "./state.js";
import { Studio } from "./studio.js";
import { Meter } from "./ui/meter.js";
import { recallWishes, SoundSettings } from "./ui/sound.js";
import { keepAwake } from "./ui/wake-lock.js";
import { bigWords, lineWords, listenersWords, sentence, warning } from "./ui/words.js";

const TICK = 100; // ms between looks at what moves, while the page is seen
const MUTED = "broadcastbot.studio.muted";

const input = new Input(recallWishes());
const studio = new Studio(input);
const sound = new SoundSettings(studio);
const meter = new Meter();
const refreshAwake = keepAwake(() => onAir(studio.state) || studio.rehearsal !== null);
input.muted = sessionStorage.getItem(MUTED) === "true";

// What the speaker does.

function act() {
  if (studio.state === State.REPLACED) studio.takeOver();
  else if (input.mic !== Mic.OPEN) studio.openMicrophone();
  else if (studio.state === State.LIVE) dialog("sure").showModal();
  else studio.start(field("titlefield").value.trim());
}

function toggleMute() {
  input.toggleMute();
  sessionStorage.setItem(MUTED, String(input.muted)); // who is muted stays so when the page is loaded again
}

function stop() {
  dialog("sure").close();
  studio.stop();
}

/**
 * @param {string} id
 * @param {() => unknown} act
 */
const click = (id, act) => $(id).addEventListener("click", act);
click("big", act);
click("mute", toggleMute);
click("rehearse", () => studio.rehearse());
click("end", () => dialog("sure").showModal());
click("stop", stop);
click("speakon", () => dialog("sure").close());

addEventListener("beforeunload", (event) => onAir(studio.state) && event.preventDefault());
// After a call the microphone may be woken.
document.addEventListener("visibilitychange", () => input.mic === Mic.SLEEPING && studio.openMicrophone());
addEventListener("hashchange", () => location.hash && location.reload()); // another link was pasted

// What the speaker sees.

/** Everything that changes now and then. */
function refresh() {
  const { state, welcome, rehearsal } = studio;
  const live = onAir(state);
  setAttribute(document.body, "data-state", state);
  setAttribute(document.body, "data-mic", input.mic);
  setText($("title"), (live && welcome?.title) || "Studio");
  setText($("speaker"), welcome?.speaker ?? "");
  setText($("room"), welcome?.roomName ?? "");
  set($("badge"), "hidden", !live);
  setText($("listeners"), listenersWords(studio.listeners));
  setAttribute($("mute"), "aria-pressed", input.muted);
  set($("rehearse"), "hidden", state !== State.READY || input.mic !== Mic.OPEN || !studio.connected);
  setAttribute($("rehearse"), "aria-pressed", rehearsal !== null);
  set($("end"), "hidden", state !== State.LIVE || input.mic === Mic.OPEN);
  set(field("titlefield"), "disabled", state !== State.READY);
  refreshBig();
  refreshTitle();
  sound.refresh();
  refreshAwake();
  move();
}

function refreshBig() {
  const { state, connected } = studio;
  const waits = state === State.STARTING || state === State.STOPPING || input.mic === Mic.OPENING;
  const noLine = state === State.READY && input.mic === Mic.OPEN && !connected;
  const isOver = FINAL.has(state) && state !== State.REPLACED;
  set(button("big"), "disabled", waits || noLine || state === State.CONNECTING || isOver);
  setText($("big"), bigWords(studio));
}

let titled = false;

/** The title that the link was asked for with, until the speaker changes it. */
function refreshTitle() {
  if (titled || !studio.welcome) return;
  titled = true;
  field("titlefield").value = studio.welcome.title;
}

/** Everything that changes all the time. */
function move() {
  setText($("state"), sentence(studio)); // with all that moves, as faults do
  setText($("warning"), warning(studio));
  set(document, "title", `${warning(studio) && "⚠ "}${onAir(studio.state) ? "● ON AIR — " : ""}Studio`);
  setText($("line"), lineWords(studio));
  setText($("elapsed"), onAir(studio.state) ? clock(studio.elapsed) : "");
  if (onAir(studio.state)) setAttribute($("elapsed"), "aria-label", spoken(Math.floor(studio.elapsed / 60) * 60));
  const { rehearsal } = studio;
  setText($("rehearselabel"), !rehearsal ? "Rehearse" : rehearsal.playing ? "Enough" : `Hear it (${rehearsal.left})`);
  meter.refresh(input.mic === Mic.OPEN ? input.level.peak : 0);
}

studio.addEventListener("change", refresh);
setInterval(move, TICK);
refresh();
await studio.open();
const permission = await navigator.permissions
  ?.query({ name: /** @type {PermissionName} */ ("microphone") })
  .catch(() => null);
if (permission?.state === "granted" && !FINAL.has(studio.state) && input.mic === Mic.OFF) studio.openMicrophone();
