// What TypeScript does not know of browsers, or of vendor/.

// vendor/libopus-wasm
interface LibopusEncoder {
  encodeFloat(pcm: Float32Array): Uint8Array<ArrayBuffer>;
  getLookahead(): number;
  free(): void;
}
interface Libopus {
  Application: { Voip: number; Audio: number };
  Signal: { Voice: number; Music: number };
  createEncoder(options: object): Promise<LibopusEncoder>;
}

// WebCodecs' registration of Opus.
interface OpusEncoderConfig {
  application?: string;
  signal?: string;
  usedtx?: boolean;
}

// The scope of an AudioWorklet.
declare const sampleRate: number;
