/** Buttons of which one is chosen. */

import { ARROWS, byId, make } from "./page.js";

/**
 * Buttons of which one is chosen, walked through with the arrow keys.
 * @param {string} id of their group @param {Record<string, string>} names
 * @param {(key: string) => void} onChoose @returns {Record<string, HTMLButtonElement>}
 */
export function radios(id, names, onChoose) {
  const group = byId(id, HTMLElement);
  const entries = Object.entries(names).map(([key, name]) => {
    const button = make("button", { type: "button", role: "radio", "aria-checked": "false" }, name);
    button.addEventListener("click", () => onChoose(key));
    return /** @type {[string, HTMLButtonElement]} */ ([key, button]);
  });
  group.append(...entries.map(([, button]) => button));
  group.addEventListener("keydown", (event) => {
    const [rows, columns] = ARROWS[event.key] ?? [0, 0];
    const by = rows + columns;
    const now = entries.findIndex(([, button]) => button === document.activeElement);
    if (!by || now < 0) return;
    event.preventDefault();
    const [key, button] = entries[(now + by + entries.length) % entries.length];
    button.focus();
    onChoose(key);
  });
  return Object.fromEntries(entries);
}

/**
 * Shows which one is chosen; any other word: none.
 * @param {Record<string, HTMLButtonElement>} buttons @param {string} chosen
 */
export function check(buttons, chosen) {
  const any = chosen in buttons;
  Object.entries(buttons).forEach(([key, button], i) => {
    button.setAttribute("aria-checked", String(key === chosen));
    button.tabIndex = key === chosen || (!any && i === 0) ? 0 : -1;
  });
}
