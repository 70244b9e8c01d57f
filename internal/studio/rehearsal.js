// Rehearsing: what the speaker says goes to the station and back, and is played when it was all said,
// so that nobody hears themselves while they speak, and nothing howls.

import { openDecoder } from "../player/sound/decoder.js";
import { FRAME, RATE } from "./capture/framer.js";

/** @import { Line } from "./line/line.js" */

const LONGEST = 10 * (RATE / FRAME); // packets

export class Rehearsal {
  /** Called when it goes from saying to playing, and when it is over. */
  onchange = () => {};
  playing = false;
  over = false;
  #line;
  #channels;
  #preSkip;
  #sent = 0; // packets
  /** @type {Uint8Array[]} that have come back */
  #packets = [];
  #context = new AudioContext({ sampleRate: RATE }); // within the tap that allows it

  /**
   * @param {Line} line
   * @param {number} channels
   * @param {number} preSkip samples
   */
  constructor(line, channels, preSkip) {
    this.#line = line;
    this.#channels = channels;
    this.#preSkip = preSkip;
    line.send({ type: "rehearse", on: true });
  }

  /** Seconds that can still be said. */
  get left() {
    return Math.ceil(((LONGEST - this.#sent) * FRAME) / RATE);
  }

  /**
   * @param {Uint8Array<ArrayBuffer>} packet
   * @param {number} captured ms since 1970 by the page's clock
   */
  say(packet, captured) {
    if (this.playing || this.#sent >= LONGEST) return;
    this.#line.sendPackets({ number: this.#sent++, captured, packets: [packet] });
  }

  /** @param {Uint8Array[]} packets that have come back */
  hear(packets) {
    this.#packets.push(...packets);
    if (this.#packets.length >= LONGEST) this.play();
  }

  /** Plays what has come back. */
  async play() {
    if (this.playing) return;
    this.playing = true;
    this.#line.send({ type: "rehearse", on: false });
    this.onchange();
    const sound = await decode(this.#packets, this.#channels);
    if (this.over) return;
    const source = new AudioBufferSourceNode(this.#context, { buffer: joined(sound, this.#channels, this.#preSkip) });
    source.connect(this.#context.destination);
    source.onended = () => this.close();
    source.start();
  }

  close() {
    if (this.over) return;
    this.over = true;
    if (!this.playing) this.#line.send({ type: "rehearse", on: false });
    this.#context.close();
    this.onchange();
  }
}

/**
 * @param {Uint8Array[]} packets
 * @param {number} channels
 */
async function decode(packets, channels) {
  /** @type {Float32Array[][]} */
  const sound = [];
  const decoder = await openDecoder(channels);
  decoder.onsound = (planes) => sound.push(planes);
  packets.forEach((packet, n) => {
    decoder.decode(packet, n * FRAME);
  });
  await decoder.flush();
  decoder.close();
  return sound;
}

/**
 * @param {Float32Array[][]} sound
 * @param {number} channels
 * @param {number} preSkip samples to leave out at the beginning
 */
function joined(sound, channels, preSkip) {
  const length = sound.reduce((sum, [plane]) => sum + plane.length, 0) - preSkip;
  const buffer = new AudioBuffer({ length: Math.max(1, length), numberOfChannels: channels, sampleRate: RATE });
  let at = -preSkip;
  for (const planes of sound) {
    planes.forEach((plane, channel) => {
      buffer.copyToChannel(new Float32Array(plane.subarray(Math.max(0, -at))), channel, Math.max(0, at));
    });
    at += planes[0].length;
  }
  return buffer;
}
