/** Figures about training: a fit with early stopping, and what a digit survives. */

import { CellGrid } from "../shared/cells.js";
import { grey } from "../shared/colors.js";
import { range } from "../shared/convolution.js";
import { Curves } from "../shared/curves.js";
import { WHITE, makeInput } from "../shared/filters.js";
import { counted, fixed, precise } from "../shared/numbers.js";
import { make, makeSvg } from "../shared/page.js";
import { fit, noisyPoints, predict, truth } from "./fitting.js";
import { sliders } from "./sliders.js";

const [WIDTH, HEIGHT, REACH] = [520, 220, 2.2];
const TRAINING = noisyPoints(14, 5);
const VALIDATION = noisyPoints(12, 11);

/** @param {HTMLElement} place */
export function fitting(place) {
  const svg = makeSvg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "scatter", role: "img" });
  const curves = make("div");
  const words = make("p", { class: "equation", role: "status" });
  place.append(svg, curves, words);
  const x = (/** @type {number} */ value) => ((value + 1) / 2) * WIDTH;
  const y = (/** @type {number} */ value) => HEIGHT * (0.5 - value / (2 * REACH));
  const add = (/** @type {string} */ name, /** @type {Record<string, string | number>} */ attributes) => {
    svg.append(makeSvg(name, attributes));
  };
  const line = (/** @type {(at: number) => number} */ height) =>
    range(101)
      .map((i) => `${i ? "L" : "M"}${x(i / 50 - 1)} ${Math.max(-999, Math.min(999, y(height(i / 50 - 1))))}`)
      .join("");
  const chart = new Curves(curves, "Mean squared error, by epoch", {
    limits: [0, Infinity],
    text: (value) => fixed(value, 2),
    onEpoch: () => {},
  });
  sliders(
    place,
    {
      degree: { label: "bends (degree)", min: 1, max: 12, value: 9 },
      rate: {
        label: "learning rate",
        min: -3,
        max: 0,
        step: 0.1,
        value: -0.7,
        text: (power) => precise(10 ** power, 2),
      },
      patience: { label: "patience", min: 1, max: 300, value: 300 },
    },
    ({ degree, rate, patience }) => {
      const result = fit(TRAINING, VALIDATION, { degree, rate: 10 ** rate, patience });
      svg.replaceChildren();
      add("path", { d: line(truth), class: "truth" });
      add("path", { d: line((at) => predict(at, result.weights)), class: "fit" });
      for (const [px, py] of TRAINING) add("circle", { cx: x(px), cy: y(py), r: 5, class: "point" });
      for (const [px, py] of VALIDATION) add("circle", { cx: x(px), cy: y(py), r: 5, class: "point held" });
      const pointsOf = (/** @type {number[]} */ values) =>
        /** @type {[number, number][]} */ (values.map((value, i) => [i + 1, Math.min(value, 3)]));
      chart.draw(
        [
          { name: "training", tone: "quiet", points: pointsOf(result.training) },
          { name: "validation", tone: "accent", points: pointsOf(result.validation) },
        ],
        Math.max(1, result.best),
      );
      const [first, last] = [result.training[0], result.training.at(-1) ?? 0];
      const errors = (/** @type {number} */ epoch) =>
        `validation ${fixed(result.validation[epoch - 1], 3)}, training ${fixed(result.training[epoch - 1], 3)}`;
      const sentence = !(last <= first * 1.01)
        ? "The error grows: the rate is too large."
        : `Best after epoch ${result.best} of ${result.stopped}: ${errors(result.best)}. ` +
          `At the end: ${errors(result.stopped)}.`;
      words.textContent = sentence;
      svg.setAttribute(
        "aria-label",
        `${counted(TRAINING.length, "training point")}, ${counted(VALIDATION.length, "validation point")}, ` +
          `and the curve of the best epoch. ${sentence}`,
      );
    },
  );
}

const DIGIT = makeInput("digit", 8, 8);

/** A digit that can be mirrored, turned, shifted and erased. @param {HTMLElement} place */
export function augment(place) {
  const [before, after] = [make("div"), make("div")];
  const words = make("p", { class: "equation", role: "status" });
  place.append(
    make(
      "div",
      { class: "stage" },
      make("div", { class: "panel" }, make("p", { class: "caption" }, "as it is"), before),
      make("div", { class: "panel" }, make("p", { class: "caption" }, "as the network sees it"), after),
    ),
    words,
  );
  const draw = (/** @type {CellGrid} */ grid, /** @type {number[][]} */ image) =>
    grid.draw(image.map((row) => row.map((value) => ({ text: "", color: grey(value, WHITE) }))));
  draw(new CellGrid(before, "The digit as it is"), DIGIT);
  const changed = new CellGrid(after, "The digit as the network sees it");
  const state = { mirrored: false, upside: false, erased: false };
  let values = { angle: 0, right: 0, down: 0, bright: 0 };
  const redraw = () => {
    const image = varied(DIGIT, { ...values, ...state });
    draw(changed, image);
    const same = image.flat().filter((value, i) => value === DIGIT.flat()[i]).length;
    const done = [
      state.mirrored && "mirrored",
      state.upside && "upside down",
      values.angle && `turned by ${values.angle}°`,
      (values.right || values.down) && "shifted",
      values.bright && "brightness changed",
      state.erased && "a patch erased",
    ].filter(Boolean);
    words.textContent = done.length
      ? `${done.join(", ")}: ${64 - same} of 64 numbers are others. Would you still call it the same?`
      : "Nothing changed yet.";
  };
  const toggles = /** @type {["mirrored" | "upside" | "erased", string][]} */ ([
    ["mirrored", "Mirror"],
    ["upside", "Upside down"],
    ["erased", "Erase a patch"],
  ]).map(([key, name]) => {
    const button = make("button", { type: "button", "aria-pressed": "false" }, name);
    button.addEventListener("click", () => {
      state[key] = !state[key];
      button.setAttribute("aria-pressed", String(state[key]));
      redraw();
    });
    return button;
  });
  place.append(make("div", { class: "chips", role: "group", "aria-label": "Changes" }, ...toggles));
  sliders(
    place,
    {
      angle: { label: "turn, degrees", min: -90, max: 90, step: 5, value: 0 },
      right: { label: "shift right", min: -4, max: 4, value: 0 },
      down: { label: "shift down", min: -4, max: 4, value: 0 },
      bright: { label: "brighter", min: -6, max: 6, value: 0 },
    },
    (next) => {
      values = next;
      redraw();
    },
  );
}

/**
 * The image turned about its middle, then shifted; what comes from outside is black. Each pixel is the nearest one.
 * @param {number[][]} image
 * @param {{angle: number, right: number, down: number, bright: number, mirrored: boolean, upside: boolean,
 *   erased: boolean}} how
 */
export function varied(image, { angle, right, down, bright, mirrored, upside, erased }) {
  const [height, width] = [image.length, image[0].length];
  const [cos, sin] = [Math.cos((angle * Math.PI) / 180), Math.sin((angle * Math.PI) / 180)];
  const [middleY, middleX] = [(height - 1) / 2, (width - 1) / 2];
  return range(height).map((r) =>
    range(width).map((c) => {
      if (erased && r >= 2 && r < 5 && c >= 3 && c < 6) return 0;
      const [y, x] = [r - down - middleY, c - right - middleX];
      let row = Math.round(middleY + cos * y + sin * x);
      let column = Math.round(middleX - sin * y + cos * x);
      if (upside) [row, column] = [height - 1 - row, width - 1 - column];
      if (mirrored) column = width - 1 - column;
      return Math.max(0, Math.min(WHITE, (image[row]?.[column] ?? 0) + bright));
    }),
  );
}
