/**
 * Of all tabs of this browser with the same link, the newest speaks: the others are told that they
 * are not it any more. (Other devices are told by the station.)
 * @param {string} name of the show
 * @param {() => void} onreplaced
 */
export function beOnlyTab(name, onreplaced) {
  const whileOpen = new Promise(() => {});
  navigator.locks?.request(`broadcastbot-studio-${name}`, { steal: true }, () => whileOpen).catch(onreplaced);
}
