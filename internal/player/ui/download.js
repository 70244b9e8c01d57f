// "Download": the decrypted show as an .opus file.

import { $, notify, setText } from "./dom.js";

const TYPE = "audio/ogg";
const JOIN = 512; // pieces that become one Blob, which the browser may keep on disk

export class Download {
  #player;
  #button = $("download");
  #progress = $("progress");
  #abort = null;

  constructor(player) {
    this.#player = player;
    this.#button.addEventListener("click", () => (this.#abort ? this.#abort.abort() : this.#start()));
  }

  async #start() {
    this.#abort = new AbortController();
    try {
      await this.#save(await openSink(fileName(this.#player.show)), this.#abort.signal);
    } catch (error) {
      const cancelled = error.name === "AbortError" || this.#abort.signal.aborted;
      notify(cancelled ? "The download was cancelled." : `The download failed: ${error.message}. Try it again later.`);
    }
    this.#abort = null;
    this.#show(null);
  }

  /** Closes the file only where it is worth keeping. */
  async #save(file, signal) {
    const sink = { write: (bytes) => file.write(bytes), close: async () => {} };
    this.#show(0);
    const damage = await this.#player.save(sink, (fraction) => this.#show(fraction), signal).catch((error) => error);
    if (damage && (damage.name !== "BlockError" || signal.aborted)) {
      await file.abort();
      throw damage;
    }
    await file.close();
    notify(`The download ${damage ? "goes up to where the show is damaged or breaks off" : "is complete"}.`);
  }

  #show(fraction) {
    this.#progress.hidden = fraction === null;
    this.#progress.value = fraction ?? 0;
    setText(this.#button.lastElementChild, fraction === null ? "Download" : "Cancel");
  }
}

/** A file on disk where the browser lets the listener choose one, else in memory. */
async function openSink(name) {
  try {
    const types = [{ description: "Opus audio", accept: { [TYPE]: [".opus"] } }];
    return diskSink(await (await showSaveFilePicker({ suggestedName: name, types })).createWritable());
  } catch (error) {
    if (error.name === "AbortError") throw error;
    return memorySink(name); // no such function, or not in a frame of another site
  }
}

function diskSink(file) {
  return { write: (bytes) => file.write(bytes), close: () => file.close(), abort: () => file.abort() };
}

function memorySink(name) {
  const blobs = [];
  let pieces = [];
  const join = () => blobs.push(new Blob(pieces.splice(0)));
  return {
    write: async (bytes) => void (pieces.push(bytes) >= JOIN && join()),
    abort: async () => {},
    close: async () => {
      join();
      offer(new Blob(blobs, { type: TYPE }), name);
    },
  };
}

function offer(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** "Title 2026-03-01.opus", of characters that every file system takes. */
export function fileName(show) {
  const title = (show?.title ?? "").replace(/[^\p{L}\p{N}\p{M} ._-]/gu, " ").replace(/\s+/g, " ");
  const name = [...title].slice(0, 80).join("").replace(/^[ .]+|[ .]+$/g, "") || "Show";
  const day = show?.started && new Date(show.started - show.started.getTimezoneOffset() * 60_000).toISOString().slice(0, 10);
  return `${name}${day ? ` ${day}` : ""}.opus`;
}
