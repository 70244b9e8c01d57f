// What the browser remembers between shows. Where it may not, nothing is lost
// but that.

const PREFIX = "broadcastbot.";

/**
 * @param {string} name
 * @param {any} otherwise
 */
export function recall(name, otherwise) {
  try {
    return JSON.parse(localStorage.getItem(PREFIX + name) ?? "null") ?? otherwise;
  } catch {
    return otherwise;
  }
}

/**
 * @param {string} name
 * @param {string | number | boolean} value
 */
export function remember(name, value) {
  try {
    localStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    // private mode, or storage is switched off
  }
}
