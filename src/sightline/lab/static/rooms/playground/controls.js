/** The playground's controls: shows the state, and says what of it was changed. */

import { css, darkMode, grey } from "../../shared/colors.js";
import { range } from "../../shared/convolution.js";
import { onChosen, onDropped } from "../../shared/files.js";
import { FILTERS, INPUT_NAMES, WHITE, filterAt, makeInput, resized, sumMeaning } from "../../shared/filters.js";
import { decimal, sensible } from "../../shared/numbers.js";
import { byId, copied, make } from "../../shared/page.js";
import { readPixels } from "../../shared/picture.js";
import { Problem } from "../../shared/problem.js";
import { check, radios } from "../../shared/radios.js";
import { LIMITS, MODES } from "../../shared/state.js";

/** @typedef {import("../../shared/state.js").State} State */
/** @typedef {import("../../shared/state.js").Result} Result */
/** @typedef {import("../../shared/convolution.js").Axis} Axis */

export class Controls {
  /** @param {(some: Partial<State>) => void} change @param {() => State} current */
  constructor(change, current) {
    this.change = change;
    this.current = current;
    this.problem = new Problem(byId("file-problem", HTMLElement));
    for (const [id, options] of /** @type {[string, [string, string][]][]} */ ([
      ["kernel", range(LIMITS.kernel).map((i) => [String(i + 1), `${i + 1} × ${i + 1}`])],
      ["stride", range(LIMITS.stride).map((i) => [String(i + 1), String(i + 1)])],
      [
        "padding",
        [...range(LIMITS.padding + 1).map((i) => [String(i), String(i)]), ["valid", "valid"], ["same", "same"]],
      ],
      ["dilation", range(LIMITS.dilation).map((i) => [String(i + 1), String(i + 1)])],
    ])) {
      byId(id, HTMLSelectElement).append(...options.map(([value, words]) => make("option", { value }, words)));
    }
    this.inputs = radios("inputs", INPUT_NAMES, (key) =>
      change({ input: key, pixels: makeInput(key, ...size(current())) }),
    );
    this.filters = radios(
      "filters",
      Object.fromEntries(Object.entries(FILTERS).map(([key, { name }]) => [key, name])),
      (key) => change({ filter: key, mode: "convolution", ...filterAt(key, current().kernel) }),
    );
    this.modes = radios("modes", MODES, (key) => {
      const mode = /** @type {import("../../shared/state.js").Mode} */ (key);
      // Pooling usually moves by its window's size; a convolution by one pixel.
      const pools = mode === "max" || mode === "average";
      const was = current().mode;
      if (pools && was === "convolution") this.resize(2, { mode, stride: 2, padding: 0 });
      else if (mode === "convolution" && was !== mode) this.resize(3, { mode, stride: 1, padding: 0 });
      else change({ mode });
    });
    this.thumbs();
    darkMode.addEventListener("change", () => this.thumbs());
    this.listen();
  }

  get painting() {
    return byId("paint", HTMLInputElement).checked;
  }

  get brush() {
    return Number(byId("brush", HTMLInputElement).value);
  }

  /** Another size of window; the filter follows. @param {number} kernel @param {Partial<State>} [more] */
  resize(kernel, more = {}) {
    const { filter, weights } = this.current();
    this.change({
      kernel,
      ...more,
      ...(filter === "own" ? { weights: resized(weights, kernel) } : filterAt(filter, kernel)),
    });
  }

  thumbs() {
    for (const [key, button] of Object.entries(this.inputs)) {
      const canvas = make("canvas", { width: "8", height: "8", "aria-hidden": "true" });
      const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
      makeInput(key, 8, 8).forEach((row, r) =>
        row.forEach((value, c) => {
          context.fillStyle = css(grey(value, WHITE));
          context.fillRect(c, r, 1, 1);
        }),
      );
      button.replaceChildren(canvas, make("span", {}, INPUT_NAMES[key]));
    }
  }

  listen() {
    const { change, current } = this;
    const whole = (/** @type {string} */ id, /** @type {(value: number) => void} */ use) => {
      const field = byId(id, HTMLInputElement);
      field.addEventListener("change", () => {
        const value = Math.min(Number(field.max), Math.max(1, Math.round(Number(field.value)) || 1));
        field.value = String(value);
        use(value);
      });
    };
    whole("height", (height) => change(resampled(current(), height, current().pixels[0].length)));
    whole("width", (width) => change(resampled(current(), current().pixels.length, width)));
    byId("kernel", HTMLSelectElement).addEventListener("change", () =>
      this.resize(Number(byId("kernel", HTMLSelectElement).value)),
    );
    for (const id of /** @type {const} */ (["stride", "dilation"])) {
      const field = byId(id, HTMLSelectElement);
      field.addEventListener("change", () => change({ [id]: Number(field.value) }));
    }
    const padding = byId("padding", HTMLSelectElement);
    padding.addEventListener("change", () => {
      const { value } = padding;
      change({ padding: value === "same" || value === "valid" ? value : Number(value) });
    });
    const divisor = byId("divisor", HTMLInputElement);
    divisor.addEventListener("input", () => {
      const value = Number(divisor.value);
      if (sensible(value) && value > 0) change({ divisor: value, filter: "own" });
    });
    for (const id of /** @type {const} */ (["relu", "predict"])) {
      const box = byId(id, HTMLInputElement);
      box.addEventListener("change", () => change({ [id]: box.checked }));
    }
    const paint = byId("paint", HTMLInputElement);
    paint.addEventListener("change", () => byId("input", HTMLElement).classList.toggle("painting", paint.checked));
    const brush = byId("brush", HTMLInputElement);
    brush.addEventListener("input", () => {
      byId("brush-value", HTMLOutputElement).textContent = brush.value;
      paint.checked = true;
      paint.dispatchEvent(new Event("change"));
    });
    onChosen(byId("file", HTMLInputElement), ([file]) => this.take(file));
    onDropped(byId("input", HTMLElement), ([file]) => this.take(file));
    byId("share", HTMLButtonElement).addEventListener("click", async () => {
      byId("shared", HTMLElement).textContent = (await copied(location.href))
        ? "Copied."
        : "The browser does not allow it: copy it from its address bar.";
    });
    byId("controls", HTMLFormElement).addEventListener("submit", (event) => event.preventDefault());
  }

  /** An image of the reader's own, in as many cells as there are. @param {File} file */
  async take(file) {
    const pixels = await this.problem.attempt(() => readPixels(file, ...size(this.current())));
    if (pixels) this.change({ pixels, input: "own" });
  }

  /** @param {State} state @param {Result | null} result */
  draw(state, result) {
    const { pixels, filter, weights, divisor, mode, kernel, stride, padding, dilation } = state;
    const [height, width] = size(state);
    const convolves = mode === "convolution";
    check(this.inputs, state.input);
    check(this.filters, convolves ? filter : "");
    check(this.modes, mode);
    byId("height", HTMLInputElement).value = String(height);
    byId("width", HTMLInputElement).value = String(width);
    for (const [id, value] of Object.entries({ kernel, stride, padding, dilation })) {
      const field = byId(id, HTMLSelectElement);
      field.value = String(value);
      field.disabled = mode === "global" || (id === "dilation" && !convolves);
    }
    for (const id of /** @type {const} */ (["relu", "predict"])) byId(id, HTMLInputElement).checked = state[id];
    const box = byId("divisor", HTMLInputElement);
    if (document.activeElement !== box) box.value = String(divisor);
    byId("divide-row", HTMLElement).hidden = !convolves;
    const sum = weights.flat().reduce((total, weight) => total + weight, 0) / divisor;
    const named = filter === "own" ? null : FILTERS[filter];
    const cut = named && kernel < 3 && !["vertical", "horizontal", "box", "gaussian", "identity"].includes(filter);
    byId("purpose", HTMLElement).textContent = !convolves
      ? "Pooling has no weights: it needs no filter."
      : named
        ? `${named.purpose}${cut ? ` At ${kernel} × ${kernel} only its middle is left.` : ""}`
        : "Your own weights.";
    byId("weight-sum", HTMLElement).textContent = convolves
      ? `The weights sum to ${decimal(sum)}. ${sumMeaning(sum)}`
      : "";
    byId("input-size", HTMLElement).textContent = `${height} × ${width}`;
    byId("output-size", HTMLElement).textContent = result
      ? `${result.plan.rows.outputs} × ${result.plan.columns.outputs}${state.relu ? ", ReLU" : ""}`
      : "";
    this.formula(state, result);
  }

  /** @param {State} state @param {Result | null} result */
  formula(state, result) {
    const formula = byId("formula", HTMLElement);
    const note = byId("formula-note", HTMLElement);
    note.textContent = "";
    if (state.mode === "global") formula.textContent = "The window is the whole image: output 1 × 1.";
    else if (!result) formula.textContent = "⌊(size + padding − span) / stride⌋ + 1 is less than 1: nothing fits.";
    else {
      const { rows, columns } = result.plan;
      const lines = [filled(rows)];
      if (filled(columns) !== filled(rows)) lines.push(filled(columns));
      const rule = `⌊(size + padding − ${rows.dilation > 1 ? "span" : "kernel"}) / stride⌋ + 1`;
      formula.textContent = [rule, ...lines].join("\n");
      const left = [left_over(rows), left_over(columns)];
      if (left[0] || left[1])
        note.textContent =
          "The division leaves a rest, which is rounded down: hatched pixels at the bottom or right are never seen.";
      else if (rows.dilation > 1)
        note.textContent =
          `With dilation ${rows.dilation}, a kernel of ${rows.kernel} spans ` +
          `(${rows.kernel} − 1)·${rows.dilation} + 1 = ${rows.span} pixels.`;
      else if (rows.before !== rows.after)
        note.textContent = "An odd number of padding pixels: the extra one is at the bottom and right.";
    }
  }
}

/** @param {Axis} axis */
function filled({ size, before, after, span, stride, outputs }) {
  return `⌊(${size} + ${before + after} − ${span}) / ${stride}⌋ + 1 = ${outputs}`;
}

/** Pixels that no window reaches. @param {Axis} axis */
function left_over({ size, before, after, span, stride }) {
  return (size + before + after - span) % stride;
}

/** @param {State} state @returns {[number, number]} */
function size({ pixels }) {
  return [pixels.length, pixels[0].length];
}

/**
 * The input at another size: made anew, or its nearest pixels.
 * @param {State} state @param {number} height @param {number} width @returns {Partial<State>}
 */
function resampled({ input, pixels }, height, width) {
  if (input !== "own") return { pixels: makeInput(input, height, width) };
  const nearest = (/** @type {number} */ i, /** @type {number} */ to, /** @type {number} */ from) =>
    Math.floor(((i + 0.5) / to) * from);
  return {
    pixels: range(height).map((r) =>
      range(width).map((c) => pixels[nearest(r, height, pixels.length)][nearest(c, width, pixels[0].length)]),
    ),
  };
}
