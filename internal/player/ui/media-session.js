// Lock screens, headsets and media keys.
//
// Browsers give them only to pages that play a media element for some seconds,
// and the show's sound is made of WebAudio. So a silent one plays with it.

/** @import { Player } from "../player.js" */

const SILENCE = 8; // seconds: below five Chrome shows no controls
const RATE = 8000;

export class MediaControls {
  #player;
  #silence = new Audio(URL.createObjectURL(silentWAV()));
  #shown = "";

  /**
   * @param {Player} player
   * @param {Partial<Record<MediaSessionAction, MediaSessionActionHandler>>} actions
   */
  constructor(player, actions) {
    this.#player = player;
    this.#silence.loop = true;
    // A phone call or pulled headphones stop the element without an action.
    this.#silence.addEventListener("pause", () => this.#silence.paused && player.playing && player.pause());
    for (const [name, act] of Object.entries(actions)) this.#handle(/** @type {MediaSessionAction} */ (name), act);
  }

  /**
   * @param {MediaSessionAction} name
   * @param {MediaSessionActionHandler} act
   */
  #handle(name, act) {
    try {
      navigator.mediaSession?.setActionHandler(name, act);
    } catch {
      // this browser does not know the action
    }
  }

  /** @param {string} title */
  refresh(title) {
    const { playing } = this.#player;
    if (playing && this.#silence.paused) this.#silence.play().catch(() => {}); // then there are no controls, but sound
    if (!playing && !this.#silence.paused) this.#silence.pause();
    if (!navigator.mediaSession) return;
    navigator.mediaSession.playbackState = playing ? "playing" : "paused";
    this.#showMetadata(title);
    this.#showPosition();
  }

  /** @param {string} title */
  #showMetadata(title) {
    const artist = this.#player.show?.speaker ?? "";
    if (this.#shown === `${title}\n${artist}`) return;
    this.#shown = `${title}\n${artist}`;
    navigator.mediaSession.metadata = new MediaMetadata({ title, artist });
  }

  #showPosition() {
    const { running, position, duration, speed } = this.#player;
    const length = running ? Infinity : duration;
    try {
      if (length > 0)
        navigator.mediaSession.setPositionState({
          duration: length,
          position: Math.min(position, length),
          playbackRate: speed,
        });
    } catch {
      navigator.mediaSession.setPositionState?.(); // a browser without endless shows
    }
  }
}

/** 8 bit PCM, in which 128 is silence. */
function silentWAV() {
  const samples = SILENCE * RATE;
  const head = new DataView(new ArrayBuffer(44));
  const text = (/** @type {number} */ at, /** @type {string} */ name) => {
    for (let i = 0; i < name.length; i++) head.setUint8(at + i, name.charCodeAt(i));
  };
  text(0, "RIFF");
  head.setUint32(4, 36 + samples, true);
  text(8, "WAVEfmt ");
  head.setUint32(16, 16, true);
  head.setUint16(20, 1, true); // PCM
  head.setUint16(22, 1, true); // mono
  head.setUint32(24, RATE, true);
  head.setUint32(28, RATE, true);
  head.setUint16(32, 1, true); // bytes of a frame
  head.setUint16(34, 8, true);
  text(36, "data");
  head.setUint32(40, samples, true);
  return new Blob([head, new Uint8Array(samples).fill(128)], { type: "audio/wav" });
}
