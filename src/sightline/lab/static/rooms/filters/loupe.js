/** One place of a filtered picture in numbers: what is seen there, the filter, their products, the sum. */

import { grey, signed } from "../../shared/colors.js";
import { decimal } from "../../shared/numbers.js";
import { sign, term } from "../../shared/terms.js";

/**
 * @typedef {{planes: import("./convolve.js").Plane[], kernels: number[][][], bias: number}} Operands a kernel a plane
 */
/** @typedef {{patch: number[][], kernel: number[][], products: number[][], sum: number}} Term of one plane */
/**
 * @typedef {{terms: Term[], strongest: number, bias: number, total: number}} Look
 *  strongest: the plane whose sum is the largest either way
 */

const COLORS = ["red", "green", "blue"];

/**
 * The kernels on the patches whose first place is (row, column).
 * @param {Operands} operands @param {number} row @param {number} column @returns {Look}
 */
export function look({ planes, kernels, bias }, row, column) {
  const terms = planes.map(({ values, width }, p) => {
    const kernel = kernels[p];
    const patch = kernel.map((line, r) => line.map((_, c) => values[(row + r) * width + column + c]));
    const products = patch.map((line, r) => line.map((value, c) => value * kernel[r][c]));
    return { patch, kernel, products, sum: products.flat().reduce((sum, value) => sum + value, 0) };
  });
  const strongest = terms.reduce((best, { sum }, p) => (Math.abs(sum) > Math.abs(terms[best].sum) ? p : best), 0);
  return { terms, strongest, bias, total: terms.reduce((total, { sum }) => total + sum, bias) };
}

/**
 * The strongest plane's term as grids of cells.
 * @param {HTMLElement} place @param {Look} seen
 * @param {boolean} isBrightness whether the patch has values of 0 to 1, drawn grey
 */
export function drawLook(place, { terms, strongest }, isBrightness) {
  const { patch, kernel, products } = terms[strongest];
  const grid = (/** @type {string} */ words, /** @type {number[][]} */ values, isGrey = false) => {
    const most = Math.max(...values.flat().map(Math.abs)) || 1;
    return term(words, values, (value) => ({
      text: decimal(value),
      color: isGrey ? grey(value, 1) : signed(value, most),
    }));
  };
  place.style.setProperty("--kernel", String(kernel.length));
  place.replaceChildren(
    grid(`what it sees${terms.length === 3 ? `, ${COLORS[strongest]}` : ""}`, patch, isBrightness),
    sign("×"),
    grid("filter", kernel),
    sign("="),
    grid("products", products),
  );
}

/** @param {Look} seen */
export function sumInWords({ terms, bias, total }) {
  const parts = terms.map(({ sum }, p) => (terms.length === 3 ? `${COLORS[p]} ${decimal(sum)}` : decimal(sum)));
  if (bias) parts.push(`bias ${decimal(bias)}`);
  return `${parts.join(" + ")}${parts.length > 1 ? ` = ${decimal(total)}` : ""}`;
}
