/**
 * What the playground offers: inputs of any size, and filters as whole numbers with one divisor, so that a blur's
 * weights can be read in their cells. Pixel values are whole numbers from 0 (black) to 9 (white).
 */

import { range } from "./convolution.js";
import { decimal } from "./numbers.js";

/** @typedef {import("./convolution.js").Grid} Grid */
/** @typedef {{name: string, weights: Grid, divisor: number, purpose: string, finds: string}} Filter
 *  purpose: what it is for, one line. finds: what it answers to, completing "it answers where ...". */

export const WHITE = 9;

/**
 * @type {Record<string, {name: string, pixel: (row: number, column: number, height: number, width: number) => number}>}
 */
const PATTERNS = {
  vertical: { name: "vertical edge", pixel: (_, c, __, w) => (c < w / 2 ? 0 : WHITE) },
  horizontal: { name: "horizontal edge", pixel: (r, _, h) => (r < h / 2 ? 0 : WHITE) },
  diagonal: { name: "diagonal", pixel: (r, c, h, w) => (c * h > r * w ? WHITE : 0) },
  checkerboard: { name: "checkerboard", pixel: (r, c) => ((Math.floor(r / 2) + Math.floor(c / 2)) % 2 ? WHITE : 0) },
  gradient: { name: "gradient", pixel: (_, c, __, w) => (w > 1 ? Math.round((WHITE * c) / (w - 1)) : WHITE) },
  blob: { name: "blob", pixel: blob },
  digit: { name: "digit", pixel: digit },
};

export const INPUT_NAMES = Object.fromEntries(Object.entries(PATTERNS).map(([key, { name }]) => [key, name]));

/** @param {string} key @param {number} height @param {number} width @returns {Grid} */
export function makeInput(key, height, width) {
  return range(height).map((r) => range(width).map((c) => PATTERNS[key].pixel(r, c, height, width)));
}

/**
 * A bright spot in the middle, fading like a Gaussian.
 * @param {number} r @param {number} c @param {number} h @param {number} w
 */
function blob(r, c, h, w) {
  const [y, x] = [(r + 0.5) / h - 0.5, (c + 0.5) / w - 0.5];
  return Math.round(WHITE * 1.08 * Math.exp(-(x * x + y * y) / 0.07));
}

// A handwritten 3: number 13 of scikit-learn's 8 x 8 digits (0 to 16 there), scaled to 0 to 9.
const THREE = ["01588520", "02745940", "00038820", "00068100", "00018600", "00001820", "01337930", "01777600"];

/** @param {number} r @param {number} c @param {number} h @param {number} w */
function digit(r, c, h, w) {
  return Number(THREE[Math.floor(((r + 0.5) / h) * 8)][Math.floor(((c + 0.5) / w) * 8)]);
}

/** @type {Record<string, Filter>} */
export const FILTERS = {
  vertical: {
    name: "vertical edge",
    weights: [
      [-1, 0, 1],
      [-1, 0, 1],
      [-1, 0, 1],
    ],
    divisor: 1,
    purpose: "Right minus left: finds edges that run up and down, and tells dark-to-bright from bright-to-dark.",
    finds: "brightness changes from left to right",
  },
  horizontal: {
    name: "horizontal edge",
    weights: [
      [-1, -1, -1],
      [0, 0, 0],
      [1, 1, 1],
    ],
    divisor: 1,
    purpose: "Below minus above: finds edges that run from side to side.",
    finds: "brightness changes from top to bottom",
  },
  sobel: {
    name: "Sobel",
    weights: [
      [-1, 0, 1],
      [-2, 0, 2],
      [-1, 0, 1],
    ],
    divisor: 1,
    purpose: "A vertical-edge filter that trusts the middle row most, which makes it calmer on noisy photos.",
    finds: "brightness changes from left to right, its own row above all",
  },
  sharpen: {
    name: "sharpen",
    weights: [
      [0, -1, 0],
      [-1, 5, -1],
      [0, -1, 0],
    ],
    divisor: 1,
    purpose: "The pixel plus its difference from its neighbours: makes photos look crisper.",
    finds: "a pixel differs from its neighbours, and adds that to the pixel",
  },
  box: {
    name: "box blur",
    weights: [
      [1, 1, 1],
      [1, 1, 1],
      [1, 1, 1],
    ],
    divisor: 9,
    purpose: "The plain mean of nine pixels: removes noise, and detail with it.",
    finds: "the neighbourhood is bright",
  },
  gaussian: {
    name: "Gaussian blur",
    weights: [
      [1, 2, 1],
      [2, 4, 2],
      [1, 2, 1],
    ],
    divisor: 16,
    purpose: "A mean that weighs near pixels more: the smooth blur of photo editors.",
    finds: "the neighbourhood is bright, its centre above all",
  },
  emboss: {
    name: "emboss",
    weights: [
      [-2, -1, 0],
      [-1, 1, 1],
      [0, 1, 2],
    ],
    divisor: 1,
    purpose: "Lower right minus upper left, plus the pixel: makes an image look like a relief lit from one corner.",
    finds: "brightness grows towards the lower right, and adds that to the pixel",
  },
  outline: {
    name: "outline",
    weights: [
      [-1, -1, -1],
      [-1, 8, -1],
      [-1, -1, -1],
    ],
    divisor: 1,
    purpose: "Eight times the pixel minus its eight neighbours: finds edges and spots in every direction.",
    finds: "a pixel differs from those around it, in whatever direction",
  },
  identity: {
    name: "identity",
    weights: [
      [0, 0, 0],
      [0, 1, 0],
      [0, 0, 0],
    ],
    divisor: 1,
    purpose: "Only the pixel itself: gives back the image. What a layer that should do no harm can learn.",
    finds: "the pixel itself is bright",
  },
};

/**
 * A filter of any size: blurs and edges are made for it, others get zeros around them or their middle cut out.
 * @param {string} key @param {number} size @returns {{weights: Grid, divisor: number}}
 */
export function filterAt(key, size) {
  const side = (/** @type {number} */ i) => Math.sign(2 * i - (size - 1)); // -1 before the middle, 1 after it
  if (key === "vertical" && size > 1) return { weights: range(size).map(() => range(size).map(side)), divisor: 1 };
  if (key === "horizontal" && size > 1)
    return { weights: range(size).map((r) => range(size).map(() => side(r))), divisor: 1 };
  if (key === "box") return { weights: range(size).map(() => range(size).map(() => 1)), divisor: size ** 2 };
  if (key === "gaussian") {
    const binomial = (/** @type {number} */ i) => range(i).reduce((value, j) => (value * (size - 1 - j)) / (j + 1), 1);
    const row = range(size).map(binomial);
    return { weights: row.map((a) => row.map((b) => a * b)), divisor: 4 ** (size - 1) };
  }
  const { weights, divisor } = FILTERS[key];
  return { weights: resized(weights, size), divisor };
}

/**
 * Weights in the middle of a larger or smaller square: zeros around them, or the middle cut out.
 * @param {Grid} weights @param {number} size @returns {Grid}
 */
export function resized(weights, size) {
  const shift = Math.floor((weights.length - size) / 2);
  return range(size).map((r) => range(size).map((c) => weights[r + shift]?.[c + shift] ?? 0));
}

/** What the sum of a filter's weights means for an evenly grey area. @param {number} sum */
export function sumMeaning(sum) {
  const near = (/** @type {number} */ value) => Math.abs(sum - value) < 1e-9;
  if (near(1)) return "An even area keeps its brightness: what blurs, sharpens or copies sums to 1.";
  if (near(0)) return "An even area gives exactly 0: only differences count. Edge filters sum to 0.";
  if (sum < 0) return "An even area turns negative, which a ReLU would silence.";
  return sum > 1
    ? `An even area gets ${decimal(sum)} times as bright; divide the weights by ${decimal(sum)} to keep its brightness.`
    : `An even area gets darker: ${decimal(sum)} times its brightness.`;
}
