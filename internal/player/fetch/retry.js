const FIRST_DELAY = 250; // ms
const LAST_DELAY = 2_000;

/**
 * Repeats a step, ever more slowly, until it succeeds or the signal aborts.
 * @param {() => Promise<void>} step
 * @param {AbortSignal} signal
 * @param {(error: unknown) => void} onfailure may throw what trying again cannot help
 */
export async function retry(step, signal, onfailure) {
  for (let delay = FIRST_DELAY; ; delay = Math.min(2 * delay, LAST_DELAY)) {
    try {
      return await step();
    } catch (error) {
      signal.throwIfAborted();
      onfailure(error);
      await pause(delay, signal);
      signal.throwIfAborted();
    }
  }
}

/**
 * Waits, but no longer when the browser is told that the network is back.
 * @param {number} delay ms
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
function pause(delay, signal) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      globalThis.removeEventListener?.("online", done);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, delay);
    globalThis.addEventListener?.("online", done, { once: true });
    signal.addEventListener("abort", done, { once: true });
  });
}
