// "Copy link": to the moment that is heard.

import { $, input, notify } from "./dom.js";
import { clock } from "./time.js";

/**
 * @param {string} link
 * @param {number} seconds of the moment
 */
export async function copyLink(link, seconds) {
  try {
    await navigator.clipboard.writeText(link);
    $("linkfield").hidden = true;
    notify(`The link to ${clock(seconds)} is copied. Whoever has it can listen.`);
  } catch {
    offer(link);
  }
}

/**
 * Where the page may not use the clipboard, the listener can.
 * @param {string} link
 */
function offer(link) {
  $("linkfield").hidden = false;
  const field = input("link");
  field.value = link;
  field.focus();
  field.select();
  notify("This browser does not let the page copy: copy the selected link yourself.");
}
