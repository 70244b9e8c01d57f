// What the browser remembers between shows. Where it may not, nothing is lost
// but that.

const PREFIX = "broadcastbot.";

export function recall(name, otherwise) {
  try {
    return JSON.parse(localStorage.getItem(PREFIX + name)) ?? otherwise;
  } catch {
    return otherwise;
  }
}

export function remember(name, value) {
  try {
    localStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    // private mode, or storage is switched off
  }
}
