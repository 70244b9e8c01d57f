// Elements of the page; each is changed only when it has to change.

export const $ = (id) => document.getElementById(id);

export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function setAttribute(element, name, value) {
  if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
}

/** Sets a property such as hidden, disabled or value. */
export function set(element, property, value) {
  if (element[property] !== value) element[property] = value;
}

/** Tells the listener how something they asked for went. */
export function notify(text) {
  $("notice").textContent = text;
}
