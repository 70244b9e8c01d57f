// Opus packets to sound: by the browser (WebCodecs) or, where it cannot, by
// libopus in WebAssembly, which is fetched only then.

/**
 * A decoder has decode(packet, start), reset(), flush() and close(), and calls
 * onsound(planes, start): 48 kHz float samples, one array for each channel, of
 * which the first is sample `start` of the show. A packet that cannot be
 * decoded gives no sound.
 */
export async function openDecoder(channels, onsound) {
  const config = { codec: "opus", sampleRate: 48000, numberOfChannels: channels };
  const native = globalThis.AudioDecoder && (await AudioDecoder.isConfigSupported(config).catch(() => null))?.supported;
  return native ? new NativeDecoder(config, onsound) : WasmDecoder.open(channels, onsound);
}

class NativeDecoder {
  #decoder;
  #config;
  #onsound;

  constructor(config, onsound) {
    this.#config = config;
    this.#onsound = onsound;
    this.reset();
  }

  /** Sound of earlier packets that is still to come is dropped. */
  reset() {
    if (!this.#decoder || this.#decoder.state === "closed") {
      this.#decoder = new AudioDecoder({
        output: (sound) => this.#give(sound),
        error: () => {}, // its state is closed now; the next packet makes another
      });
    }
    this.#decoder.reset();
    this.#decoder.configure(this.#config);
  }

  /** Every Opus packet can be decoded by itself, after those before it sounds better. */
  decode(packet, start) {
    if (this.#decoder.state === "closed") this.reset();
    this.#decoder.decode(new EncodedAudioChunk({ type: "key", timestamp: Math.round(start / 0.048), data: packet }));
  }

  #give(sound) {
    const planes = Array.from({ length: sound.numberOfChannels }, (_, planeIndex) => {
      const plane = new Float32Array(sound.numberOfFrames);
      sound.copyTo(plane, { planeIndex, format: "f32-planar" });
      return plane;
    });
    const start = Math.round(sound.timestamp * 0.048);
    sound.close();
    this.#onsound(planes, start);
  }

  async flush() {
    if (this.#decoder.state === "configured") await this.#decoder.flush().catch(() => {}); // by a reset: nothing to wait for
  }

  close() {
    if (this.#decoder.state !== "closed") this.#decoder.close();
  }
}

class WasmDecoder {
  #opus;
  #onsound;

  static async open(channels, onsound) {
    await loadScript(new URL("../vendor/opus-decoder.min.js", import.meta.url));
    const decoder = new WasmDecoder();
    decoder.#onsound = onsound;
    decoder.#opus = new globalThis["opus-decoder"].OpusDecoder({ channels, sampleRate: 48000, preSkip: 0 });
    await decoder.#opus.ready;
    return decoder;
  }

  /** What libopus remembers has faded before the pre-roll of a seek is over. */
  reset() {}

  decode(packet, start) {
    const { channelData, samplesDecoded } = this.#opus.decodeFrame(packet);
    if (samplesDecoded > 0) this.#onsound(channelData.map((plane) => plane.slice(0, samplesDecoded)), start);
  }

  async flush() {}

  close() {
    this.#opus.free();
  }
}

/** The library is no module: it makes a global. */
function loadScript(url) {
  return new Promise((resolve, reject) => {
    const script = Object.assign(document.createElement("script"), { src: url, onload: resolve });
    script.onerror = () => reject(new DOMException("the fallback decoder could not be fetched", "AbortError"));
    document.head.append(script);
  });
}
