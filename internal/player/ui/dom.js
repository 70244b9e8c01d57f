// Elements of the page; each is changed only when it has to change.

/**
 * The element with an id, which is in index.html.
 * @param {string} id
 */
export const $ = (id) => element(id, HTMLElement);

/** @param {string} id */
export const button = (id) => element(id, HTMLButtonElement);

/** @param {string} id */
export const input = (id) => element(id, HTMLInputElement);

/** @param {string} id */
export const select = (id) => element(id, HTMLSelectElement);

/** @param {string} id */
export const dialog = (id) => element(id, HTMLDialogElement);

/**
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} type
 */
export function element(id, type) {
  const found = document.getElementById(id);
  if (found instanceof type) return found;
  throw new Error(`the page has no ${type.name} with the id ${id}`);
}

/**
 * @param {Element} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * @param {Element} element
 * @param {string} name
 * @param {string | number | boolean} value
 */
export function setAttribute(element, name, value) {
  if (element.getAttribute(name) !== String(value)) element.setAttribute(name, String(value));
}

/**
 * Sets a property such as hidden, disabled or value.
 * @template {object} T
 * @template {keyof T} P
 * @param {T} element
 * @param {P} property
 * @param {T[P]} value
 */
export function set(element, property, value) {
  if (element[property] !== value) element[property] = value;
}

/**
 * Shows the listener how something they asked for went.
 * @param {string} text
 */
export function notify(text) {
  $("notice").textContent = text;
}
