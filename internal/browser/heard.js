// Runs before the page's own scripts, and records what it sends to an
// AudioContext's destination, sample by sample, as window.heard.
//
// The destination of a second kind, a MediaStream, gets the same sound; its
// reader queues what comes while the page is busy, so nothing is lost. (A
// ScriptProcessorNode loses sound then, and the page's Content-Security-Policy
// leaves no place for a worklet of ours.)
{
  const heard = (window.heard = { pieces: [], sound: 0, latency: 0, take });
  const taps = new WeakMap(); // by AudioContext
  const connect = AudioNode.prototype.connect;

  AudioNode.prototype.connect = function (target, ...rest) {
    if (target instanceof AudioDestinationNode) connect.call(this, tap(target.context), ...rest);
    return connect.call(this, target, ...rest);
  };

  function tap(context) {
    if (!taps.has(context)) {
      const node = new MediaStreamAudioDestinationNode(context, { channelCount: 1 });
      taps.set(context, node);
      record(context, node.stream.getAudioTracks()[0]);
    }
    return taps.get(context);
  }

  async function record(context, track) {
    const reader = new MediaStreamTrackProcessor({ track, maxBufferSize: 1000 }).readable.getReader(); // 10 s
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const wall = performance.timeOrigin + performance.now();
      const samples = new Float32Array(value.numberOfFrames);
      value.copyTo(samples, { planeIndex: 0, format: "f32-planar" });
      heard.latency = context.outputLatency;
      heard.pieces.push({ wall, samples });
      if (samples.some((sample) => sample !== 0)) heard.sound += samples.length; // so far, for waiting
      value.close();
    }
  }

  /** Hands over what was recorded since the last time. */
  function take() {
    const pieces = heard.pieces.splice(0);
    const bytes = new Uint8Array(4 * pieces.reduce((sum, { samples }) => sum + samples.length, 0));
    let at = 0;
    for (const { samples } of pieces) {
      bytes.set(new Uint8Array(samples.buffer), at);
      at += samples.byteLength;
    }
    let text = "";
    for (let i = 0; i < bytes.length; i += 0x8000) text += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
    return {
      samples: btoa(text),
      walls: pieces.map(({ wall }) => wall),
      sizes: pieces.map(({ samples }) => samples.length),
      latency: heard.latency,
    };
  }
}
