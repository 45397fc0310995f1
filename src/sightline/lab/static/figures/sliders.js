/** Sliders of a figure, with their numbers. */

import { make } from "../shared/page.js";

/**
 * @typedef {{label: string, min: number, max: number, value: number, step?: number, text?: (value: number) => string}}
 *   Slider
 */

/**
 * Sliders with their numbers, and what follows from them. @template {string} Name
 * @param {HTMLElement} place @param {Record<Name, Slider>} wanted @param {(values: Record<Name, number>) => void} use
 */
export function sliders(place, wanted, use) {
  const values = /** @type {Record<Name, number>} */ ({});
  const row = make("div", { class: "sliders" });
  for (const [name, { label, min, max, value, step = 1, text = String }] of /** @type {[Name, Slider][]} */ (
    Object.entries(wanted)
  )) {
    const range = make("input", {
      type: "range",
      min: String(min),
      max: String(max),
      step: String(step),
      value: String(value),
    });
    const number = make("output", {}, text(value));
    values[name] = value;
    range.addEventListener("input", () => {
      values[name] = Number(range.value);
      number.textContent = text(values[name]);
      range.setAttribute("aria-valuetext", text(values[name]));
      use(values);
    });
    row.append(make("label", {}, make("span", {}, label, " ", number), range));
  }
  place.append(row);
  use(values);
}
