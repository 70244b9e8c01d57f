// The keyboard, wherever no control wants the key for itself.

import { input } from "./dom.js";
import { recall, remember } from "./settings.js";

/** @param {Record<string, () => unknown>} actions from a key, as event.key names it, to what it does */
export function listenToKeys(actions) {
  const enabled = input("keyson"); // speech input types letters by accident: it can be switched off
  enabled.checked = recall("keys", true);
  enabled.addEventListener("change", () => remember("keys", enabled.checked));
  addEventListener("keydown", (event) => {
    const act = actions[event.key];
    if (!act || !enabled.checked || isTaken(event)) return;
    event.preventDefault();
    act();
  });
}

/** @param {KeyboardEvent} event */
function isTaken(event) {
  if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey) return true;
  if (event.shiftKey && !"<>?".includes(event.key)) return true;
  const target = event.target instanceof Element ? event.target : null;
  if (document.querySelector("dialog[open]") || target?.closest("input, select, textarea")) return true;
  return event.key === " " && Boolean(target?.closest("button, a, summary"));
}
