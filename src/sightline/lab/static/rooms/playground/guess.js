/** Predict first: which of these maps will come out? Every wrong one is what something else would have given. */

import { css, grey, signed } from "../../shared/colors.js";
import { FILTERS, INPUT_NAMES, filterAt } from "../../shared/filters.js";
import { MODES, compute } from "../../shared/state.js";

/** @typedef {import("../../shared/state.js").State} State */
/** @typedef {import("../../shared/state.js").Result} Result */
/** @typedef {{result: Result, right: boolean, reply: string}} Choice */

/** The question in words. @param {State} state */
export function question(state) {
  const image = state.input === "own" ? "your input" : `the ${INPUT_NAMES[state.input]}`;
  return `What will ${operationName(state)} make of ${image}?`;
}

/**
 * The right map and up to three others, in an order that does not tell; fewer where everything gives the same.
 * @param {State} state @returns {Choice[]}
 */
export function choices(state) {
  const right = compute(state);
  const known = new Set([shape(right)]);
  /** @type {Choice[]} */
  const answers = [{ result: right, right: true, reply: `Right: that is ${operationName(state)}.${finding(state)}` }];
  for (const [other, name] of alternatives(state)) {
    if (answers.length === 4) break;
    let result;
    try {
      result = compute(other);
    } catch {
      continue; // this one has no output here, so nobody could choose it
    }
    if (known.has(shape(result))) continue;
    known.add(shape(result));
    answers.push({ result, right: false, reply: `Not this time: that is what ${name} would give.${finding(other)}` });
  }
  const order = answers.map((choice) => ({ choice, key: hash(shape(choice.result)) })).sort((a, b) => a.key - b.key);
  return order.map(({ choice }) => choice);
}

/** A map without its numbers. @param {HTMLCanvasElement} canvas @param {Result} result */
export function paintMap(canvas, { output, signed: isSigned, limit }) {
  canvas.width = output[0].length;
  canvas.height = output.length;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  output.forEach((line, r) =>
    line.forEach((value, c) => {
      context.fillStyle = css(isSigned ? signed(value, limit) : grey(value, limit));
      context.fillRect(c, r, 1, 1);
    }),
  );
}

/** @param {State} state */
function operationName(state) {
  if (state.mode !== "convolution") return MODES[state.mode];
  return state.filter === "own" ? "your filter" : `the ${FILTERS[state.filter].name} filter`;
}

/** @param {State} state */
function finding(state) {
  return state.mode === "convolution" && state.filter !== "own"
    ? ` It answers where ${FILTERS[state.filter].finds}.`
    : "";
}

/** @param {State} state @returns {Iterable<[State, string]>} */
function* alternatives(state) {
  if (state.mode !== "convolution") {
    for (const mode of /** @type {const} */ (["max", "average", "global"])) yield [{ ...state, mode }, MODES[mode]];
    yield [
      { ...state, pixels: state.pixels.map((row) => row.map((value) => 9 - value)) },
      `${MODES[state.mode]} of the negative`,
    ];
    yield [
      { ...state, pixels: state.pixels.map((row) => [...row].reverse()) },
      `${MODES[state.mode]} of the mirrored image`,
    ];
    return;
  }
  if (state.weights.flat().some((weight) => weight < 0)) {
    yield [
      { ...state, weights: state.weights.map((row) => row.map((weight) => -weight || 0)), filter: "own" },
      "the filter with all signs turned round",
    ];
  }
  const turned = {
    horizontal: ["vertical", "outline", "box"],
    vertical: ["horizontal", "outline", "box"],
    sobel: ["horizontal", "emboss", "gaussian"],
  };
  const near = /** @type {Record<string, string[]>} */ (turned)[state.filter] ?? [];
  for (const key of [...near, ...Object.keys(FILTERS)]) {
    yield [{ ...state, filter: key, ...filterAt(key, state.kernel) }, `the ${FILTERS[key].name} filter`];
  }
}

/** What one sees of a map: its colours, not its numbers. @param {Result} result */
function shape({ output, signed: isSigned, limit }) {
  return `${isSigned}${output.map((row) => row.map((value) => Math.round((12 * value) / limit)).join()).join(";")}`;
}

/** @param {string} words */
function hash(words) {
  return [...words].reduce((value, letter) => (Math.imul(value, 31) + letter.charCodeAt(0)) | 0, 7);
}
