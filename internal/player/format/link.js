// The part of a link behind its #: KEY&t=SECONDS&wave=…&seek=…, of which a show
// that is not encrypted has no KEY. It never leaves the browser.

/** @returns {{key: string, start: number|null, wave: Uint8Array|null, seek: string}} */
export function parseFragment(fragment) {
  const parts = fragment.split("&");
  const key = parts[0].includes("=") ? "" : parts.shift();
  const named = new Map(parts.map((part) => [part.slice(0, part.indexOf("=")), part.slice(part.indexOf("=") + 1)]));
  return { key, start: seconds(named.get("t")), wave: bytes(named.get("wave")), seek: named.get("seek") ?? "" };
}

/** The fragment with another moment to start at. */
export function withStart(fragment, start) {
  const rest = fragment.split("&").filter((part) => part !== "" && !part.startsWith("t="));
  return [...rest, `t=${Math.max(0, Math.round(start * 10) / 10)}`].join("&");
}

function seconds(text) {
  const value = Number.parseFloat(text);
  return value >= 0 && value < Infinity ? value : null;
}

/** What is not base64url is taken for absent: it only decorates. */
function bytes(text) {
  try {
    const raw = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    return raw ? Uint8Array.from(raw, (c) => c.charCodeAt(0)) : null;
  } catch {
    return null;
  }
}
