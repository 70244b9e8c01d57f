// The secret of the speaker's link. It comes in the part of the address that no browser sends, is
// taken out of the address bar at once, and lives as long as the tab.

const NAME = "broadcastbot.studio.secret";
const GENERATION = "broadcastbot.studio.generation";

/** @returns {string | null} null where the page was opened without a link */
export function takeSecret() {
  const fragment = location.hash.slice(1);
  if (fragment) {
    if (fragment !== sessionStorage.getItem(NAME)) keepGeneration(0);
    sessionStorage.setItem(NAME, fragment);
    history.replaceState(null, "", location.pathname);
  }
  return sessionStorage.getItem(NAME);
}

/**
 * The name of a show in the browser's storage, which must not tell the secret.
 * @param {string} secret
 */
export async function nameOf(secret) {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(secret));
  return Array.from(new Uint8Array(hash, 0, 8), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Which of the link's devices the station takes this tab for; 0: it has not said so yet. */
export const generation = () => Number(sessionStorage.getItem(GENERATION)) || 0;

/** @param {number} given by the station */
export const keepGeneration = (given) => sessionStorage.setItem(GENERATION, String(given));
