const MEANING = {
  NotBlocks: "not a show",
  WrongKey: "wrong key, or the first block is damaged",
  Forged: "block is damaged or forged",
  Order: "block is out of order",
  Malformed: "block is malformed",
  Checkpoint: "not what the station signed",
  CutOff: "cut off before its end",
};

/** @typedef {keyof typeof MEANING} Code FORMAT.md explains them */

/** Why a block is not accepted: a code and words. */
export class Refusal extends Error {
  name = "Refusal";

  /**
   * @param {Code} code
   * @param {string} [message]
   */
  constructor(code, message = MEANING[code]) {
    super(message);
    this.code = code;
  }
}

/** A refusal with its place: what readers throw. */
export class BlockError extends Refusal {
  name = "BlockError";

  /**
   * @param {Code} code
   * @param {object} [place]
   * @param {number} [place.sequence] the number that the block has, or should have
   * @param {number} [place.offset] of its first byte in the file
   * @param {string} [place.message]
   */
  constructor(code, { sequence = 0, offset = 0, message = MEANING[code] } = {}) {
    super(code, `block ${sequence} at byte ${offset}: ${message}`);
    this.sequence = sequence;
    this.offset = offset;
  }
}
