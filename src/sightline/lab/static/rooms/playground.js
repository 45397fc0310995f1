/** Room 1: the convolution playground. Joins the state, the stage, the operation, the controls and the animation. */

import { darkMode } from "../shared/colors.js";
import { Controls } from "./playground/controls.js";
import { ShapeError } from "../shared/convolution.js";
import { FILTERS, INPUT_NAMES } from "../shared/filters.js";
import { choices, paintMap, question } from "./playground/guess.js";
import { Operation } from "./playground/operation.js";
import { byId, make, sentence } from "../shared/page.js";
import { Problem } from "../shared/problem.js";
import { Player } from "./playground/player.js";
import { Stage } from "../shared/stage.js";
import { MODES, compute, fromAddress, liveliest, toAddress } from "../shared/state.js";

/** @typedef {import("../shared/state.js").State} State */
/** @typedef {import("../shared/stage.js").Focus} Focus */
/** @typedef {import("../shared/stage.js").Place} Place */

let state = fromAddress(location.hash.slice(1));
/** @type {import("../shared/state.js").Result | null} */
let result = null;
/** @type {Focus} */
let focus = { output: null, pixel: null };
/** @type {Place} */
let at = [0, 0];
let guessed = false;

const problem = new Problem(byId("problem", HTMLElement));
const stage = new Stage(
  {
    input: byId("input", HTMLElement),
    output: byId("output", HTMLElement),
    inputLegend: byId("input-legend", HTMLElement),
    outputLegend: byId("output-legend", HTMLElement),
  },
  {
    onFocus: (now) => {
      focus = now;
      drawFocus();
    },
    onPress: (pixel) => {
      if (controls.painting) paint(pixel, controls.brush);
    },
    onKey: (pixel, key) => /^\d$/.test(key) && paint(pixel, Number(key)),
    onChoose: (output) => player.go(output[0] * columns() + output[1]),
  },
);
const operation = new Operation((row, column, weight) => {
  if (Number.isNaN(weight)) operation.drawWeights(state);
  else if (weight !== state.weights[row][column]) {
    const weights = state.weights.map((line, r) => line.map((old, c) => (r === row && c === column ? weight : old)));
    change({ weights, filter: "own" });
  }
});
const player = new Player((index) => {
  at = [Math.floor(index / columns()), index % columns()];
  focus = { output: null, pixel: null };
  state = { ...state, at };
  drawStage();
});
const controls = new Controls(change, () => state);

/** Change some of the state; all that follows from it is computed and drawn anew. @param {Partial<State>} some */
function change(some) {
  const wasAt = at;
  state = { ...state, at: null, ...some };
  guessed = false;
  try {
    result = compute(state);
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    result = null;
    stage.drawInput(state, null);
    showProblem(error.message);
  }
  controls.draw(state, result);
  operation.drawWeights(state);
  if (result) {
    const { output } = result;
    const fits = (/** @type {Place | null} */ place) => place && output[place[0]]?.[place[1]] !== undefined;
    const edited = some.filter === "own" || some.input === "own"; // by hand: stay where the reader looks
    at = /** @type {Place} */ (fits(state.at) ? state.at : edited && fits(wasAt) ? wasAt : liveliest(output));
    problem.clear();
    player.reset(output.length * output[0].length, at[0] * columns() + at[1]);
    drawGuess();
    drawStage();
  }
  remember();
}

/** @param {string} message */
function showProblem(message) {
  player.pause();
  problem.tell(`There is no output: ${message}.`);
  byId("guess", HTMLElement).hidden = true;
  for (const id of ["output", "output-legend", "operation", "transport"]) byId(id, HTMLElement).hidden = true;
  byId("finding", HTMLElement).textContent = "The window is larger than the image it should slide over.";
}

function drawStage() {
  if (!result) return;
  const secret = state.predict && !guessed;
  for (const id of ["output", "output-legend", "operation", "transport"]) byId(id, HTMLElement).hidden = secret;
  stage.draw(state, result, player.shown);
  byId("finding", HTMLElement).textContent = secret
    ? "Look at the input and the filter, then choose what will come out."
    : finding();
  drawFocus();
}

function drawFocus() {
  if (!result) return;
  const { plan } = result;
  const inside = focus.output && focus.output[0] < plan.rows.outputs && focus.output[1] < plan.columns.outputs;
  const output = inside && focus.output ? focus.output : at;
  stage.light(focus, output);
  operation.draw(state, result, output);
  if (focus.pixel) operation.drawPixel(state, result, focus.pixel);
}

/** One sentence: what comes out, and why. */
function finding() {
  if (!result) return "";
  const image = state.input === "own" ? "your input" : `the ${INPUT_NAMES[state.input]}`;
  const values = result.output.flat();
  const same = values.every((value) => Math.abs(value - values[0]) < 1e-9);
  if (state.mode !== "convolution") return sentence(pooled(values.length));
  const name = state.filter === "own" ? "Your filter" : `The ${FILTERS[state.filter].name} filter`;
  if (same) return `${name} gives the same answer everywhere on ${image}.`;
  return state.filter === "own"
    ? `${name} over ${image}: point at any output to see where its number comes from.`
    : `${name} answers where ${FILTERS[state.filter].finds}.`;
}

/** What pooling leaves. @param {number} count of numbers that are left */
function pooled(count) {
  const what = state.mode === "max" ? "the largest value" : "the mean";
  const where = state.mode === "global" ? "the whole image" : "each window";
  const left = count === 1 ? "one number is left" : `${count} numbers are left`;
  return `${MODES[state.mode]} keeps ${what} of ${where}: ${left} of ${state.pixels.flat().length}`;
}

function drawGuess() {
  const place = byId("guess", HTMLElement);
  place.hidden = !state.predict || !result;
  if (place.hidden) return;
  byId("guess-question", HTMLElement).textContent = question(state);
  const reply = byId("guess-reply", HTMLElement);
  const offered = choices(state);
  reply.textContent = offered.length > 1 ? "" : "Everything gives the same here; choose another input.";
  const buttons = offered.map((choice, i) => {
    const canvas = make("canvas", { "aria-hidden": "true" });
    paintMap(canvas, choice.result);
    const { output } = choice.result;
    const button = make(
      "button",
      { type: "button", "aria-label": `Guess ${i + 1} of ${offered.length}, ${output.length} by ${output[0].length}` },
      canvas,
    );
    button.addEventListener(
      "click",
      () => {
        reply.textContent = choice.reply;
        button.classList.add(choice.right ? "right" : "wrong");
        button.append(make("span", { class: "verdict" }, choice.right ? "right" : "no"));
        if (!choice.right) button.disabled = true;
        else {
          for (const other of buttons) other.disabled = true;
          guessed = true;
          drawStage();
          player.restart();
        }
      },
      { once: true },
    );
    return button;
  });
  byId("guess-options", HTMLElement).replaceChildren(...buttons);
}

/** @param {Place} pixel @param {number} value */
function paint([row, column], value) {
  if (state.pixels[row]?.[column] === undefined) return false;
  if (state.pixels[row][column] !== value) {
    const pixels = state.pixels.map((line, r) => line.map((old, c) => (r === row && c === column ? value : old)));
    change({ pixels, input: "own" });
    focus = { output: null, pixel: [row, column] };
    drawFocus();
  }
  return true;
}

let remembering = 0;
function remember() {
  clearTimeout(remembering); // browsers refuse more than some hundred changes of the address a minute
  remembering = setTimeout(() => {
    const words = toAddress({ ...state, at: state.at && at });
    history.replaceState(null, "", words ? `#${words}` : location.pathname + location.search);
  }, 200);
}
player.onRest = remember;

function columns() {
  return result ? result.plan.columns.outputs : 1;
}

addEventListener("hashchange", () => {
  state = fromAddress(location.hash.slice(1));
  change({ at: state.at });
});
darkMode.addEventListener("change", () => {
  operation.drawWeights(state);
  drawGuess();
  drawFocus();
});
change({ at: state.at });
