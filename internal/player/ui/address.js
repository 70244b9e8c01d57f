// The address of this page: …base/listen/{id}#fragment

/** @returns {{base: string, id: string}} base is "" where the gateway is at the root */
export function parsePath(pathname) {
  const at = pathname.lastIndexOf("/listen/");
  return { base: pathname.slice(0, at), id: pathname.slice(at + "/listen/".length) };
}

/** Whether two fragments differ at most in the moment to start at. */
export function sameShow(a, b) {
  return withoutStart(a) === withoutStart(b);
}

function withoutStart(fragment) {
  return fragment
    .split("&")
    .filter((part) => !part.startsWith("t="))
    .join("&");
}
