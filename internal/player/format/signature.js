// Ed25519 signatures (RFC 8032).

/** @typedef {(signature: Uint8Array<ArrayBuffer>, message: Uint8Array<ArrayBuffer>) => Promise<boolean>} Verify */

/**
 * Returns what verifies the signatures of a signer: the browser, or, where it does not
 * know Ed25519, a module that has to be fetched.
 * @param {Uint8Array<ArrayBuffer>} signer 32 bytes
 * @returns {Promise<Verify>}
 */
export async function importSigner(signer) {
  try {
    const key = await crypto.subtle.importKey("raw", signer, "Ed25519", false, ["verify"]);
    return (signature, message) => crypto.subtle.verify("Ed25519", key, signature, message);
  } catch {
    const { verifyAsync } = await import(new URL("../vendor/noble-ed25519.js", import.meta.url).href);
    return (signature, message) => verifyAsync(signature, message, signer, { zip215: false });
  }
}
