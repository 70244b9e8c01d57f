// What TypeScript does not know of browsers, or of vendor/.

// The scope of an AudioWorklet.
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(name: string, processor: new (options: never) => AudioWorkletProcessor): void;
declare const currentTime: number;

// The File System Access API.
declare function showSaveFilePicker(options: object): Promise<FileSystemFileHandle>;

// vendor/opus-decoder.min.js
interface OpusDecoder {
  readonly ready: Promise<void>;
  decodeFrame(packet: Uint8Array): { channelData: Float32Array<ArrayBuffer>[]; samplesDecoded: number };
  free(): void;
}
