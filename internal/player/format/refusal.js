const meaning = {
  NotBlocks: "not a broadcast",
  WrongKey: "wrong key, or the first block is damaged",
  Forged: "block is damaged or forged",
  Order: "block is out of order",
  Malformed: "block is malformed",
  CutOff: "cut off before its end",
};

/** Refusal says why a block is not taken: a code, which FORMAT.md explains, and words. */
export class Refusal extends Error {
  name = "Refusal";

  constructor(code, message = meaning[code]) {
    super(message);
    this.code = code;
  }
}

/** BlockError is a refusal with its place: what readers throw. */
export class BlockError extends Refusal {
  name = "BlockError";

  /** @param sequence the number that the block has, or should have  @param offset of its first byte in the file */
  constructor(code, { sequence = 0, offset = 0, message = meaning[code] } = {}) {
    super(code, `block ${sequence} at byte ${offset}: ${message}`);
    this.sequence = sequence;
    this.offset = offset;
  }
}
