// Moments and lengths of time, as text.

/**
 * "12:05", or "1:02:05" from an hour on.
 * @param {number} seconds
 */
export function clock(seconds) {
  const [h, m, s] = parts(seconds);
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/**
 * "12 minutes 5 seconds", for who hears the page instead of seeing it.
 * @param {number} seconds
 */
export function spoken(seconds) {
  const words = ["hour", "minute", "second"];
  const said = parts(seconds).map((n, i) => (n === 0 ? "" : `${n} ${words[i]}${n === 1 ? "" : "s"}`));
  return said.filter(Boolean).join(" ") || "0 seconds";
}

/**
 * "1.2 s behind", or "12:05 behind" from a minute on.
 * @param {number} seconds
 * @param {string} of what, or by what, where that has to be said
 */
export function behind(seconds, of) {
  return `${seconds < 60 ? `${seconds.toFixed(1)} s` : clock(seconds)} behind${of && ` ${of}`}`;
}

/** @param {number} seconds */
function parts(seconds) {
  const whole = Math.max(0, Math.floor(seconds || 0));
  return [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
}

/** @param {number} n */
function two(n) {
  return String(n).padStart(2, "0");
}
