/**
 * The bytes of unpadded base64url, or null. Left-over bits have to be zero, so
 * that a value has one spelling only.
 * @param {string} text
 */
export function decodeBase64url(text) {
  if (!/^[\w-]*$/.test(text) || text.length % 4 === 1) return null;
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  const spelled = btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  return spelled === text ? Uint8Array.from(binary, (c) => c.charCodeAt(0)) : null;
}
