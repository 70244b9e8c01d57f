const SMALLEST = 16 << 10; // bytes

/**
 * The bytes that were fed and not yet consumed. Its memory is that of the most
 * bytes that ever waited at once, however long the file is.
 */
export class ByteQueue {
  #bytes = new Uint8Array(SMALLEST);
  #start = 0; // the unread bytes are #bytes[#start, #end)
  #end = 0;

  get capacity() {
    return this.#bytes.length;
  }

  /** @param {Uint8Array} bytes */
  feed(bytes) {
    if (this.#end + bytes.length > this.#bytes.length) this.#makeRoom(bytes.length);
    this.#bytes.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  /**
   * Moves the unread bytes to the front, of a larger buffer only if they and
   * the new ones do not fit otherwise.
   * @param {number} more how many bytes come
   */
  #makeRoom(more) {
    const need = this.#end - this.#start + more;
    if (need <= this.#bytes.length) {
      this.#bytes.copyWithin(0, this.#start, this.#end);
    } else {
      const bytes = new Uint8Array(Math.max(need, 2 * this.#bytes.length));
      bytes.set(this.unread);
      this.#bytes = bytes;
    }
    this.#end -= this.#start;
    this.#start = 0;
  }

  /** A view, valid until the next feed. */
  get unread() {
    return this.#bytes.subarray(this.#start, this.#end);
  }

  /** @param {number} count */
  discard(count) {
    this.#start += count;
  }

  clear() {
    this.#start = this.#end = 0;
  }
}
