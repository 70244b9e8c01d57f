// "Download": the decrypted show as an .opus file.

import { Saved } from "../fetch/save.js";
import { BlockError } from "../format/refusal.js";
import { button, element, notify, setText } from "./dom.js";

/** @import { Player } from "../player.js" */
/** @import { Show } from "../recording.js" */

const TYPE = "audio/ogg";
/** @type {Record<string, string>} */
const HAS = {
  [Saved.WHOLE]: "is complete",
  [Saved.CLAIMED]: "ends where the server says that the show ended",
  [Saved.SO_FAR]: "has what the server hands out of the show so far",
};
const JOIN = 512; // pieces that become one Blob, which the browser may keep on disk

/**
 * @typedef {object} File
 * @property {(bytes: Uint8Array<ArrayBuffer>) => Promise<void>} write
 * @property {() => Promise<void>} close
 * @property {() => Promise<void>} abort
 */

export class Download {
  #player;
  #button = button("download");
  #label = element("downloadlabel", HTMLElement);
  #progress = element("progress", HTMLProgressElement);
  /** @type {AbortController | null} */
  #abort = null;

  /** @param {Player} player */
  constructor(player) {
    this.#player = player;
    this.#button.addEventListener("click", () => (this.#abort ? this.#abort.abort() : this.#start()));
  }

  async #start() {
    const { signal } = (this.#abort = new AbortController());
    try {
      await this.#save(await openFile(fileName(this.#player.show)), signal);
    } catch (error) {
      const cancelled = isAbort(error) || signal.aborted;
      const why = error instanceof Error ? error.message : error;
      notify(cancelled ? "The download was cancelled." : `The download failed: ${why}. Try it again later.`);
    }
    this.#abort = null;
    this.#show(null);
  }

  /**
   * Closes the file only where it is worth keeping.
   * @param {File} file
   * @param {AbortSignal} signal
   */
  async #save(file, signal) {
    this.#show(0);
    let damage = null;
    let saved = "";
    try {
      saved = await this.#player.recording.save(
        (bytes) => file.write(bytes),
        (fraction) => this.#show(fraction),
        signal,
      );
    } catch (error) {
      damage = error;
    }
    if (saved === Saved.ANOTHER) damage = new Error("the server hands out another recording than the room was told of");
    if (damage && (!(damage instanceof BlockError) || signal.aborted)) {
      await file.abort();
      throw damage;
    }
    await file.close();
    notify(`The download ${damage ? "goes up to where the show is damaged or breaks off" : HAS[saved]}.`);
  }

  /** @param {number | null} fraction */
  #show(fraction) {
    this.#progress.hidden = fraction === null;
    this.#progress.value = fraction ?? 0;
    setText(this.#label, fraction === null ? "Download" : "Cancel");
  }
}

/** @param {unknown} error */
const isAbort = (error) => error instanceof Error && error.name === "AbortError";

/**
 * A file on disk where the browser lets the listener choose one, else in memory.
 * @param {string} name
 */
async function openFile(name) {
  try {
    const types = [{ description: "Opus audio", accept: { [TYPE]: [".opus"] } }];
    return diskFile(await (await showSaveFilePicker({ suggestedName: name, types })).createWritable());
  } catch (error) {
    if (isAbort(error)) throw error;
    return memoryFile(name); // no such function, or not in a frame of another site
  }
}

/**
 * @param {FileSystemWritableFileStream} file
 * @returns {File}
 */
function diskFile(file) {
  return { write: (bytes) => file.write(bytes), close: () => file.close(), abort: () => file.abort() };
}

/**
 * @param {string} name
 * @returns {File}
 */
function memoryFile(name) {
  /** @type {Blob[]} */
  const blobs = [];
  /** @type {Uint8Array<ArrayBuffer>[]} */
  const pieces = [];
  const join = () => blobs.push(new Blob(pieces.splice(0)));
  return {
    write: async (bytes) => {
      if (pieces.push(bytes) >= JOIN) join();
    },
    abort: async () => {},
    close: async () => {
      join();
      offer(new Blob(blobs, { type: TYPE }), name);
    },
  };
}

/**
 * @param {Blob} blob
 * @param {string} name
 */
function offer(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/**
 * "Title 2026-03-01.opus", of characters that every file system accepts.
 * @param {Pick<Show, "title" | "started"> | null} show
 */
export function fileName(show) {
  const title = (show?.title ?? "").replace(/[^\p{L}\p{N}\p{M} ._-]/gu, " ").replace(/\s+/g, " ");
  const name =
    [...title]
      .slice(0, 80)
      .join("")
      .replace(/^[ .]+|[ .]+$/g, "") || "Show";
  return `${name}${show?.started ? ` ${localDay(show.started)}` : ""}.opus`;
}

/** @param {Date} date */
function localDay(date) {
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 10);
}
