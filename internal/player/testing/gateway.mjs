import { setTimeout } from "node:timers/promises";

/**
 * A gateway that has a file, in place of the network: `size` bytes of it, and more
 * as that grows; it runs until `finished` is set. `refusing` is the status that
 * requests with some method get, `asked` the Range headers of the GET requests.
 */
export function gatewayWith(t, file) {
  const gateway = { file, size: file.length, finished: false, refusing: {}, requests: 0, asked: [] };
  t.mock.method(globalThis, "fetch", async (_, { method = "GET", headers }) => {
    gateway.requests++;
    if (method === "GET") gateway.asked.push(headers.Range);
    if (gateway.refusing[method]) return new Response(null, { status: gateway.refusing[method] });
    const there = gateway.file.subarray(0, gateway.size);
    const [first, last] = headers.Range.match(/\d+/g).map(Number);
    if (first >= there.length) {
      await setTimeout(1); // whoever asks at once again lets others have their turn
      return new Response(null, { status: 416 });
    }
    const body = there.subarray(first, (last ?? there.length) + 1);
    const range = `bytes ${first}-${first + body.length - 1}/${gateway.finished ? there.length : "*"}`;
    return new Response(method === "HEAD" ? null : body, { status: 206, headers: { "Content-Range": range } });
  });
  return gateway;
}
