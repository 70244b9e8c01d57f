/**
 * Keeps the screen on while something holds: a telephone that falls asleep stops the microphone.
 * @param {() => boolean} holds
 * @returns {() => void} to be called when that may have changed
 */
export function keepAwake(holds) {
  /** @type {Promise<WakeLockSentinel | null> | null} */
  let lock = null;

  function refresh() {
    if (holds() && document.visibilityState === "visible") {
      // Hiding the page, or little battery, ends a lock: then the next look asks again.
      lock ??= navigator.wakeLock?.request("screen").then(
        (held) => {
          held.addEventListener("release", () => (lock = null));
          return held;
        },
        () => (lock = null),
      );
    } else if (!holds()) {
      lock?.then((held) => held?.release());
      lock = null;
    }
  }

  document.addEventListener("visibilitychange", refresh);
  return refresh;
}
