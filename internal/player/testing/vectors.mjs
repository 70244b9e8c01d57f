import { readdirSync, readFileSync } from "node:fs";

const folder = new URL("../../../opusblocks/testdata/vectors/", import.meta.url);

/** The files that every reader of the format has to judge alike: see FORMAT.md, "Refusals". */
export function vectors() {
  return readdirSync(folder).map(vector);
}

export function vector(name) {
  const raw = readFileSync(new URL(name, folder));
  const headEnd = raw.indexOf("\n\n");
  const fields = Object.fromEntries(
    raw
      .toString("latin1", 0, headEnd)
      .split("\n")
      .map((line) => line.split(": ")),
  );
  return {
    name,
    expect: fields.expect,
    key: fields.key,
    packets: Number(fields.packets),
    file: new Uint8Array(raw.subarray(headEnd + 2)),
  };
}
