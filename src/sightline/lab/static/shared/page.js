/** Small ways to reach and make the elements of a page. */

/**
 * The element with that id, which the page must have. @template {HTMLElement} T
 * @param {string} id @param {new (...args: any[]) => T} kind @returns {T}
 */
export function byId(id, kind) {
  const element = document.getElementById(id);
  if (!(element instanceof kind)) throw new Error(`the page has no ${kind.name} #${id}`);
  return element;
}

/**
 * A new element. @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag @param {Record<string, string>} [attributes] @param {...(Node | string)} children @returns {HTMLElementTagNameMap[T]}
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** "1 window", "9 windows". @param {number} count @param {string} noun */
export function counted(count, noun) {
  return `${grouped(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** 11689512 -> "11,689,512". @param {number} value */
export function grouped(value) {
  return value.toLocaleString("en");
}

/** Whether the reader asked for stillness. */
export const still = matchMedia("(prefers-reduced-motion: reduce)");
