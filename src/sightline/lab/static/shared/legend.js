/** Scales of colours, with the numbers at their ends. */

import { css, grey, signed } from "./colors.js";
import { range } from "./convolution.js";
import { sequential } from "./heat.js";
import { decimal } from "./numbers.js";
import { make } from "./page.js";

/** @typedef {import("./colors.js").Rgb} Rgb */

const STOPS = 9; // colours of a bar: an odd number, so that the middle of a signed scale is one of them

/**
 * Blue, paper, orange; 0 is in the middle.
 * @param {HTMLElement} place @param {string[]} words below it, evenly spread
 */
export function signedLegend(place, words) {
  draw(place, (share) => signed(2 * share - 1, 1), words);
}

/** Black to white. @param {HTMLElement} place @param {string[]} words */
export function greyLegend(place, words) {
  draw(place, (share) => grey(share, 1), words);
}

/** Cividis, dark to bright. @param {HTMLElement} place @param {string[]} words */
export function sequentialLegend(place, words) {
  draw(place, sequential, words);
}

/** The scale of a map. @param {HTMLElement} place @param {boolean} isSigned @param {number} limit at its ends */
export function mapLegend(place, isSigned, limit) {
  if (isSigned) signedLegend(place, [decimal(-limit), "0", decimal(limit)]);
  else greyLegend(place, ["0", decimal(limit)]);
}

/** @param {HTMLElement} place @param {(share: number) => Rgb} color @param {string[]} words */
function draw(place, color, words) {
  const bar = make("span", { class: "bar" });
  const stops = range(STOPS).map((i) => css(color(i / (STOPS - 1))));
  bar.style.setProperty("background-image", `linear-gradient(to right, ${stops.join(", ")})`);
  place.replaceChildren(bar, make("span", { class: "ends" }, ...words.map((word) => make("span", {}, word))));
}
