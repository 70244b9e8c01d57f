/**
 * Waits for something, but not for ever.
 * @template T
 * @param {number} time ms
 * @param {Promise<T>} promise
 * @returns {Promise<T>} rejects when the time is over
 */
export function within(time, promise) {
  /** @type {ReturnType<typeof setTimeout>} */
  let timer;
  const over = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing has happened for ${time} ms`)), time);
  });
  return Promise.race([promise, over]).finally(() => clearTimeout(timer));
}
