// The studio as the page sees it: a show, what its speaker does with it, and what the station says of it.

import { Deadline } from "./deadline.js";
import { Database } from "./line/database.js";
import { Keep } from "./line/keep.js";
import { Line } from "./line/line.js";
import { beOnlyTab } from "./line/only-tab.js";
import { keepGeneration, nameOf, takeSecret } from "./line/secret.js";
import { Rehearsal } from "./rehearsal.js";
import { FINAL, onAir, State } from "./state.js";
import { Voice } from "./voice.js";

/** @import { Input } from "./capture/input.js" */
/** @import { Welcome } from "./line/messages.js" */

const ANSWER = 60_000; // ms: who is put on air later than that does not expect it any more
const MORE = 30_000; // ms behind the grace, until the show is taken for lost
const UNANSWERED =
  "The station has not answered for a minute: you are not on air, and the microphone is off. Turn it on, and try again.";

export class Studio extends Voice {
  #title = "";
  #secret = "";
  /** @type {string | undefined} the show's id, if the station says it */
  #show;
  #turn = 0; // how often this tab has taken the line
  #answer = new Deadline(() => this.#giveUpStart());
  #return = new Deadline(() => this.#desert()); // of the line

  /** @param {Input} input */
  constructor(input) {
    super(input, () => this.#lackEncoder());
  }

  /** Goes on where the page was before it was loaded again, or waits for the speaker. */
  async open() {
    const secret = takeSecret();
    if (!secret) return this.#leave(State.NO_LINK);
    if (!globalThis.AudioWorkletNode || !navigator.mediaDevices) return this.#leave(State.UNSUPPORTED); // or no https
    this.#secret = secret;
    const name = await this.#beOnly();
    this.keep = new Keep(await Database.open(name));
    const show = await this.keep.load();
    if (FINAL.has(this.state)) return; // another tab was opened meanwhile
    if (show) this.#resume(show);
    this.#connect();
  }

  async #beOnly() {
    const turn = ++this.#turn;
    const name = await nameOf(this.#secret);
    beOnlyTab(name, () => turn === this.#turn && this.#leave(State.REPLACED));
    return name;
  }

  #connect() {
    this.line = new Line(this.#secret, this.keep, {
      onwelcome: (welcome) => this.#greet(welcome),
      onmessage: (message) => this.#obey(message),
      onpackets: ({ packets }) => this.rehearsal?.hear(packets),
      onbroken: () => this.#breakOff(),
      onend: (refusal) => this.#dismiss(refusal),
    });
  }

  /**
   * Goes on with a show that this page, or the one before it was loaded again, has begun.
   * @param {import("./line/database.js").Show} show
   */
  #resume({ welcome, stopped, show }) {
    this.welcome = welcome;
    this.stopped = stopped;
    this.#show = show;
    this.set(stopped ? State.STOPPING : State.LIVE);
    this.#awaitLine();
    this.speech.prepare(welcome.audio);
    if (!stopped) this.openMicrophone();
  }

  /** Takes the line back from the device that has it. To be called in a tap. */
  async takeOver() {
    if (this.state !== State.REPLACED) return;
    this.#forget(); // what was said here before has no place in the show any more
    this.lost = 0;
    this.set(State.CONNECTING);
    this.openMicrophone();
    keepGeneration(0);
    await this.#beOnly();
    if (!FINAL.has(this.state)) this.#connect();
  }

  /** What is kept is sent all the same. */
  #lackEncoder() {
    if (onAir(this.state)) this.changed();
    else this.#leave(State.UNSUPPORTED);
  }

  // What the speaker does.

  /** To be called in a tap. */
  openMicrophone() {
    if (this.deserted) this.#awaitLine();
    return this.input.open(this.channels);
  }

  /** @param {string} title */
  start(title) {
    if (this.state !== State.READY) return;
    this.rehearsal?.close();
    this.speech.discard();
    this.#title = title;
    this.reason = "";
    this.set(State.STARTING);
    this.#answer.set(ANSWER);
    this.#sayStart();
  }

  #sayStart() {
    this.line?.send({ type: "start", title: this.#title, preSkip: this.speech.preSkip });
  }

  /** The speaker has gone, perhaps: nobody is to be heard who does not know it. */
  #giveUpStart() {
    if (this.state !== State.STARTING) return;
    this.reason = UNANSWERED;
    this.input.close();
    this.set(State.READY);
  }

  async stop() {
    if (this.state !== State.LIVE) return;
    this.set(State.STOPPING);
    await this.speech.flush();
    if (!onAir(this.state)) return;
    this.stopped = true;
    this.#note();
    this.input.close();
    this.#sayStop();
  }

  #sayStop() {
    if (this.stopped) this.line?.send({ type: "stop", count: this.keep.end });
  }

  /** Rehearses; then plays what was said; then ends that. */
  rehearse() {
    const now = this.rehearsal;
    if (now) return now.playing ? now.close() : now.play();
    if (this.state !== State.READY || !this.line?.connected) return;
    const rehearsal = new Rehearsal(this.line, this.channels, this.speech.preSkip);
    rehearsal.onchange = () => this.#keepRehearsal(rehearsal);
    this.#keepRehearsal(rehearsal);
  }

  /** @param {Rehearsal} rehearsal until it is over */
  #keepRehearsal(rehearsal) {
    this.rehearsal = rehearsal.over ? null : rehearsal;
    if (rehearsal.over) this.speech.discard();
    this.changed();
  }

  // What the station says.

  /** @param {Welcome} welcome */
  async #greet(welcome) {
    this.#return.clear();
    this.deserted = false;
    if (welcome.state === "live" && !this.keep.belongsTo(welcome)) this.#forget();
    const turn = this.#turn;
    this.welcome = welcome;
    if (!onAir(this.state)) await this.speech.prepare(welcome.audio);
    if (FINAL.has(this.state) || turn !== this.#turn) return;
    this.#answer.check();
    if (welcome.state === "ended") return this.#finish(welcome.reason);
    if (welcome.state === "live") return this.#goLive(welcome);
    if (this.state === State.STARTING) return this.#sayStart(); // it was not heard
    if (onAir(this.state)) this.#forget(); // the station knows nothing of it
    this.set(State.READY);
  }

  /** @param {{type: string, [field: string]: any}} message */
  #obey(message) {
    switch (message.type) {
      case "onair":
        this.#answer.check();
        this.#goLive({ next: message.next, show: message.show });
        break;
      case "durable":
        this.keep.confirm(message.next);
        break;
      case "listeners":
        this.listeners = message.count;
        this.changed();
        break;
      case "refused":
        this.#refuse(message.reason);
        break;
      case "ended":
        this.#finish(message.reason);
    }
  }

  /** @param {{next: number, show?: string}} wanted the packet that the station wants, and of which show */
  #goLive({ next, show }) {
    this.#answer.clear();
    this.rehearsal?.close();
    this.#show = show || this.#show;
    if (next > this.keep.end) this.keep.skipTo(next); // spoken from another device
    this.keep.refill(next, this.channels);
    if (this.state !== State.STOPPING) this.set(State.LIVE);
    this.#note();
    this.line?.sendFrom(next);
    this.#sayStop();
  }

  /** Notes what the page has to know when it is loaded again. */
  #note() {
    const { welcome, stopped } = this;
    if (welcome) this.keep.note({ welcome, stopped, show: this.#show });
  }

  /** Forgets the show, and what is kept of it. */
  #forget() {
    this.keep.clear();
    this.speech.discard();
    this.stopped = false;
    this.#show = undefined;
    this.reason = "";
    if (onAir(this.state)) this.set(State.CONNECTING);
  }

  /** @param {string} reason */
  #refuse(reason) {
    this.reason = reason;
    this.rehearsal?.close();
    this.#answer.clear();
    if (this.state === State.STARTING) this.set(State.READY);
    else this.changed();
  }

  /** @param {string} [reason] */
  #finish(reason = "") {
    this.reason = reason;
    this.lost = this.kept;
    this.#leave(State.ENDED);
    this.keep.clear();
  }

  /** @param {string | null} refusal null: another device speaks */
  #dismiss(refusal) {
    if (FINAL.has(this.state)) return; // what is kept may be another tab's by now
    this.reason = refusal ?? "";
    this.lost = this.unsent;
    this.#leave(refusal === null ? State.REPLACED : State.REFUSED);
    this.keep.clear();
  }

  #breakOff() {
    if (!this.rehearsal?.playing) this.rehearsal?.close();
    this.listeners = null;
    if (onAir(this.state) && !this.#return.running && !this.deserted) this.#awaitLine();
    this.changed();
  }

  #awaitLine() {
    this.deserted = false;
    this.#return.set(1000 * (this.welcome?.grace ?? 120) + MORE);
  }

  /**
   * Nobody seems to hear the speaker any more. What is kept is sent if the station comes back
   * and wants it.
   */
  #desert() {
    if (this.state !== State.LIVE) return;
    this.deserted = true;
    this.input.close();
    this.changed();
  }

  /** @param {string} state for ever */
  #leave(state) {
    if (FINAL.has(this.state)) return;
    this.set(state);
    this.rehearsal?.close();
    this.line?.close();
    this.input.close();
    this.speech.close();
    this.#answer.clear();
    this.#return.clear();
  }
}
