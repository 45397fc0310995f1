/** What the playground is set to, what follows from it, and how the address holds it. Pure. */

import * as conv from "./convolution.js";
import { FILTERS, INPUT_NAMES, WHITE, filterAt, makeInput } from "./filters.js";
import { sensible } from "./numbers.js";

/** @typedef {import("./convolution.js").Grid} Grid */
/** @typedef {"convolution" | "max" | "average" | "global"} Mode */
/**
 * @typedef {{input: string, pixels: Grid, filter: string, weights: Grid, divisor: number, mode: Mode, kernel: number,
 *   stride: number, padding: conv.Padding, dilation: number, relu: boolean, predict: boolean,
 *   at: [number, number] | null}} State
 *  input and filter: a name of filters.js, or "own". kernel: rows and columns of the window. at: the output in focus.
 */
/**
 * @typedef {{plan: conv.Plan, raw: Grid, output: Grid, signed: boolean, limit: number}} Result
 *  raw: before ReLU. signed: whether the colours are those of signed values; limit: the value at the end of the scale.
 */

export const LIMITS = { size: 16, kernel: 7, stride: 4, padding: 3, dilation: 3 };

/** @type {Record<Mode, string>} */
export const MODES = {
  convolution: "convolution",
  max: "max pooling",
  average: "average pooling",
  global: "global average pooling",
};

/** @returns {State} */
export function defaults() {
  return {
    input: "vertical",
    pixels: makeInput("vertical", 8, 8),
    filter: "vertical",
    weights: FILTERS.vertical.weights,
    divisor: 1,
    mode: "convolution",
    kernel: 3,
    stride: 1,
    padding: 0,
    dilation: 1,
    relu: false,
    predict: false,
    at: null,
  };
}

/** The whole computation. Throws ShapeError where the window does not fit. @param {State} state @returns {Result} */
export function compute(state) {
  const { pixels, weights, divisor, mode, kernel, stride, padding, dilation } = state;
  const [height, width] = [pixels.length, pixels[0].length];
  if (mode === "convolution") {
    const moves = { stride, padding, dilation };
    const raw = conv.convolve2d(pixels, weights, moves).map((row) => row.map((sum) => sum / divisor));
    const signed = weights.flat().some((weight) => weight / divisor < 0);
    const largest = Math.max(...raw.flat().map(Math.abs));
    const limit = signed ? largest || WHITE : Math.max(largest, WHITE);
    return {
      plan: conv.plan(height, width, [kernel, kernel], moves),
      raw,
      output: state.relu ? conv.relu(raw) : raw,
      signed,
      limit,
    };
  }
  const plan =
    mode === "global"
      ? conv.plan(height, width, [height, width])
      : conv.poolingPlan(height, width, kernel, { stride, padding });
  let raw;
  if (mode === "max") raw = conv.maxPool2d(pixels, kernel, { stride, padding });
  else if (mode === "average") raw = conv.averagePool2d(pixels, kernel, { stride, padding });
  else raw = [[pixels.flat().reduce((sum, value) => sum + value, 0) / (height * width)]];
  return { plan, raw, output: state.relu ? conv.relu(raw) : raw, signed: false, limit: WHITE };
}

/**
 * The output that has most to say: the largest value without its sign, and of several the one nearest to the middle.
 * @param {Grid} output @returns {[number, number]}
 */
export function liveliest(output) {
  const [middleRow, middleColumn] = [(output.length - 1) / 2, (output[0].length - 1) / 2];
  /** @type {[number, number]} */
  let best = [0, 0];
  let score = -Infinity;
  output.forEach((line, row) =>
    line.forEach((value, column) => {
      const here = Math.abs(value) * 1e4 - Math.abs(row - middleRow) - Math.abs(column - middleColumn);
      if (here > score) [best, score] = [[row, column], here];
    }),
  );
  return best;
}

/** Only what differs from the defaults. @param {State} state */
export function toAddress(state) {
  const usual = defaults();
  const words = new URLSearchParams();
  const [height, width] = [state.pixels.length, state.pixels[0].length];
  if (height !== 8 || width !== 8) words.set("size", `${height}x${width}`);
  if (state.input !== usual.input) words.set("input", state.input);
  if (state.input === "own") words.set("pixels", state.pixels.flat().join(""));
  if (state.filter !== usual.filter) words.set("filter", state.filter);
  if (state.filter === "own") words.set("weights", state.weights.flat().join(","));
  if (state.filter === "own" && state.divisor !== 1) words.set("divisor", String(state.divisor));
  for (const key of /** @type {const} */ (["mode", "kernel", "stride", "padding", "dilation"])) {
    if (state[key] !== usual[key]) words.set(key, String(state[key]));
  }
  if (state.relu) words.set("relu", "1");
  if (state.predict) words.set("predict", "1");
  if (state.at) words.set("at", state.at.join("x"));
  return words.toString();
}

/**
 * The state of an address; whatever in it makes no sense is left at its default.
 * @param {string} address @returns {State}
 */
export function fromAddress(address) {
  const words = new URLSearchParams(address);
  const state = defaults();
  const [height, width] = pair(words.get("size"), 1, LIMITS.size) ?? [8, 8];
  const input = words.get("input") ?? "";
  if (Object.hasOwn(INPUT_NAMES, input)) state.input = input;
  state.pixels = makeInput(state.input, height, width);
  const pixels = words.get("pixels") ?? "";
  if (input === "own" && /^\d+$/.test(pixels) && pixels.length === height * width) {
    state.input = "own";
    state.pixels = conv.range(height).map((r) => [...pixels.slice(r * width, (r + 1) * width)].map(Number));
  }
  state.kernel = whole(words.get("kernel"), 1, LIMITS.kernel) ?? state.kernel;
  const filter = words.get("filter") ?? "";
  if (Object.hasOwn(FILTERS, filter)) state.filter = filter;
  Object.assign(state, filterAt(state.filter, state.kernel));
  const weights = (words.get("weights") ?? "").split(",").map(Number);
  if (filter === "own" && weights.length === state.kernel ** 2 && weights.every(sensible)) {
    state.filter = "own";
    state.weights = conv.range(state.kernel).map((r) => weights.slice(r * state.kernel, (r + 1) * state.kernel));
    const divisor = Number(words.get("divisor") ?? 1);
    state.divisor = sensible(divisor) && divisor > 0 ? divisor : 1;
  }
  const mode = words.get("mode") ?? "";
  if (Object.hasOwn(MODES, mode)) state.mode = /** @type {Mode} */ (mode);
  state.stride = whole(words.get("stride"), 1, LIMITS.stride) ?? state.stride;
  state.dilation = whole(words.get("dilation"), 1, LIMITS.dilation) ?? state.dilation;
  const padding = words.get("padding");
  state.padding =
    padding === "valid" || padding === "same" ? padding : (whole(padding, 0, LIMITS.padding) ?? state.padding);
  state.relu = words.get("relu") === "1";
  state.predict = words.get("predict") === "1";
  state.at = pair(words.get("at"), 0, 99);
  return state;
}

/** @param {string | null} word @param {number} from @param {number} to */
function whole(word, from, to) {
  const value = Number(word);
  return word && /^\d+$/.test(word) && value >= from && value <= to ? value : null;
}

/** @param {string | null} word @param {number} from @param {number} to @returns {[number, number] | null} */
function pair(word, from, to) {
  const [first, second] = (word ?? "").split("x").map((part) => whole(part, from, to));
  return first !== null && second !== null && first !== undefined && second !== undefined ? [first, second] : null;
}
