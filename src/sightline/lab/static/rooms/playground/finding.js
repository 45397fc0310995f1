/** One sentence about what comes out, and why. */

import { FILTERS, INPUT_NAMES } from "../../shared/filters.js";
import { sentence } from "../../shared/page.js";
import { MODES } from "../../shared/state.js";

/** @typedef {import("../../shared/state.js").State} State */

/** @param {State} state @param {import("../../shared/state.js").Result} result */
export function finding(state, { output }) {
  const values = output.flat();
  if (state.mode !== "convolution") return sentence(pooled(state, values.length));
  const image = state.input === "own" ? "your input" : `the ${INPUT_NAMES[state.input]}`;
  const isOwn = state.filter === "own";
  const name = isOwn ? "Your filter" : `The ${FILTERS[state.filter].name} filter`;
  const same = values.every((value) => Math.abs(value - values[0]) < 1e-9);
  if (same) return `${name} gives the same answer everywhere on ${image}.`;
  return isOwn
    ? `${name} over ${image}: point at any output to see where its number comes from.`
    : `${name} answers where ${FILTERS[state.filter].finds}.`;
}

/** @param {State} state @param {number} count of numbers that are left */
function pooled({ mode, pixels }, count) {
  const what = mode === "max" ? "the largest value" : "the mean";
  const where = mode === "global" ? "the whole image" : "each window";
  const rest = count === 1 ? "one number is left" : `${count} numbers are left`;
  return `${MODES[mode]} keeps ${what} of ${where}: ${rest} of ${pixels.flat().length}`;
}
