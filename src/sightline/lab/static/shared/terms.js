/** Grids of numbers with signs between them: what a window sees × a filter = their products. */

import { CellGrid } from "./cells.js";
import { make } from "./page.js";

/** @typedef {import("./cells.js").Cell} Cell */

/** @template Value @param {string} words below it @param {Value[][]} values @param {(value: Value) => Cell} cellOf */
export function term(words, values, cellOf) {
  const grid = make("div");
  new CellGrid(grid, words).draw(values.map((row) => row.map(cellOf)));
  return make("figure", { class: "term" }, grid, make("figcaption", {}, words));
}

/** @param {string} words */
export function sign(words) {
  return make("span", { class: "sign" }, words);
}
