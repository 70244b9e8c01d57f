import { readdirSync, readFileSync } from "node:fs";

const folder = new URL("../../../opusblocks/testdata/", import.meta.url);

/** The files that every reader of the format has to judge alike: see FORMAT.md, "Refusals". */
export function vectors() {
  const kinds = ["vectors", "epochs", "checkpoints"];
  return kinds.flatMap((kind) => readdirSync(new URL(kind, folder)).map((name) => vector(name, kind)));
}

export function vector(name, kind = "vectors") {
  const raw = readFileSync(new URL(`${kind}/${name}`, folder));
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
    plain: "plain" in fields,
    signer: fields.signer ?? null,
    packets: Number(fields.packets),
    file: new Uint8Array(raw.subarray(headEnd + 2)),
  };
}
