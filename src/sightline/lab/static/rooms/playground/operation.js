/** One output spelled out: what the window sees, times the filter, the products, and what becomes of their sum. */

import { CellGrid } from "../../shared/cells.js";
import { css, darkMode, grey, inkOn, signed } from "../../shared/colors.js";
import { outputsOf, step, window as windowOf } from "../../shared/convolution.js";
import { WHITE } from "../../shared/filters.js";
import { counted, decimal, factor, typedWeight } from "../../shared/numbers.js";
import { byId, make } from "../../shared/page.js";

/** @typedef {import("../../shared/state.js").State} State */
/** @typedef {import("../../shared/state.js").Result} Result */

export class Operation {
  /** @param {(row: number, column: number, weight: number) => void} onWeight a weight was edited */
  constructor(onWeight) {
    this.patch = new CellGrid(byId("patch", HTMLElement), "What the window sees");
    this.products = new CellGrid(byId("products", HTMLElement), "Products");
    this.weights = byId("weights", HTMLElement);
    this.onWeight = onWeight;
    /** @type {HTMLInputElement[][]} */
    this.fields = [];
    new ResizeObserver(() => this.fitFields()).observe(this.weights);
    darkMode.addEventListener("change", () => {
      this.patch.forget();
      this.products.forget();
    });
  }

  /** The filter's cells, which can be edited. @param {State} state */
  drawWeights({ weights }) {
    if (this.fields.length !== weights.length) this.buildFields(weights.length);
    const limit = Math.max(...weights.flat().map(Math.abs));
    weights.forEach((line, r) =>
      line.forEach((weight, c) => {
        const field = this.fields[r][c];
        if (document.activeElement !== field) field.value = decimal(weight);
        const color = signed(weight, limit);
        field.style.backgroundColor = css(color);
        field.style.color = inkOn(color);
      }),
    );
    this.fitFields();
  }

  /** @param {number} size */
  buildFields(size) {
    this.weights.style.setProperty("--columns", String(size));
    this.fields = [...Array(size).keys()].map((r) =>
      [...Array(size).keys()].map((c) => {
        const field = make("input", {
          type: "text",
          inputmode: "text",
          class: "cell",
          "aria-label": `Weight, row ${r + 1}, column ${c + 1}`,
        });
        field.addEventListener("input", () => {
          const value = typedWeight(field.value);
          field.toggleAttribute("aria-invalid", value === null);
          if (value !== null) this.onWeight(r, c, value);
        });
        field.addEventListener("focus", () => field.select());
        field.addEventListener("blur", () => this.onWeight(r, c, NaN)); // shows the weight that counts
        field.addEventListener("keydown", (event) => {
          /** @type {Record<string, [number, number]>} */
          const moves = { ArrowUp: [r - 1, c], ArrowDown: [r + 1, c], Enter: [r + 1, c] };
          const to = moves[event.key];
          if (!to) return;
          event.preventDefault();
          this.fields[to[0]]?.[to[1]]?.focus();
        });
        return field;
      }),
    );
    this.weights.replaceChildren(...this.fields.flat());
  }

  fitFields() {
    const digits = Math.max(...this.fields.flat().map((field) => field.value.length), 1);
    this.weights.style.setProperty("--digits", String(digits));
  }

  /** Spell out the output at [row, column]. @param {State} state @param {Result} result @param {[number, number]} at */
  draw(state, result, [row, column]) {
    const convolves = state.mode === "convolution";
    const { plan } = result;
    byId("operation-title", HTMLElement).textContent = `Row ${row + 1}, column ${column + 1} of the output`;
    for (const id of ["times", "equals"]) byId(id, HTMLElement).hidden = !convolves;
    const section = byId("operation", HTMLElement);
    section.classList.toggle("pooling", !convolves);
    section.classList.toggle("wide", plan.rows.kernel > 4);
    section.style.setProperty("--kernel", String(plan.rows.kernel));
    const places = windowOf(plan, row, column);
    this.patch.draw(
      places.map((line) =>
        line.map(([r, c]) => {
          const value = state.pixels[r]?.[c];
          if (value === undefined) return { text: convolves ? "0" : "", color: null, kind: "padding" };
          return { text: String(value), color: grey(value, WHITE) };
        }),
      ),
    );
    const value = result.output[row][column];
    const words = convolves
      ? this.multiply(state, result, row, column)
      : pooled(state, places, result.raw[row][column]);
    if (state.relu) words.push(result.raw[row][column] < 0 ? "; ReLU makes it 0" : "; ReLU keeps it");
    byId("sum", HTMLElement).replaceChildren(`${convolves ? "" : "→ "}${decimal(value)}`);
    byId("equation", HTMLElement).textContent = words.join("");
  }

  /** @param {State} state @param {Result} result @param {number} row @param {number} column @returns {string[]} */
  multiply(state, result, row, column) {
    const { patch, products, sum } = step(state.pixels, state.weights, result.plan, row, column);
    const limit = Math.max(...products.flat().map(Math.abs));
    this.products.draw(
      products.map((line) => line.map((value) => ({ text: decimal(value), color: signed(value, limit) }))),
    );
    const terms = patch.flatMap((line, r) => line.map((value, c) => `${value}·${factor(state.weights[r][c])}`));
    const words = [`${terms.join(" + ")} = ${decimal(sum)}`];
    byId("divided", HTMLElement).textContent = state.divisor === 1 ? "" : `, then ÷ ${decimal(state.divisor)}`;
    if (state.divisor !== 1) words.push(`, divided by ${decimal(state.divisor)} gives ${decimal(sum / state.divisor)}`);
    return words;
  }

  /**
   * What one pixel of the image takes part in.
   * @param {State} state @param {Result} result @param {[number, number]} pixel
   */
  drawPixel(state, result, [row, column]) {
    const value = state.pixels[row]?.[column];
    const links = outputsOf(result.plan, row, column);
    const name =
      value === undefined
        ? "This zero of the padding"
        : `The pixel in row ${row + 1}, column ${column + 1}, whose value is ${value},`;
    const weights = new Set(links.map(({ place }) => String(place))).size;
    const parts =
      state.mode === "convolution" ? `, multiplied by ${counted(weights, "different weight")} of the filter` : "";
    byId("equation", HTMLElement).textContent = links.length
      ? `${name} is seen from ${counted(links.length, "place")}${links.length > 1 ? parts : ""}: ` +
        "the outputs marked on the other side."
      : `${name} is never seen: the window's last step would leave the image.`;
  }
}

/** @param {State} state @param {[number, number][][]} places @param {number} value @returns {string[]} */
function pooled(state, places, value) {
  const pixels = places.flat().flatMap(([r, c]) => state.pixels[r]?.[c] ?? []);
  if (state.mode === "max") return [`The largest of ${pixels.join(", ")} is ${decimal(value)}`];
  const sum = pixels.reduce((total, pixel) => total + pixel, 0);
  const skipped = places.flat().length - pixels.length;
  return [
    pixels.length <= 49
      ? `(${pixels.join(" + ")}) ÷ ${pixels.length} = ${decimal(value)}`
      : `All ${pixels.length} pixels sum to ${sum}; ${sum} ÷ ${pixels.length} = ${decimal(value)}`,
    skipped
      ? "; the padding does not count (PyTorch's AvgPool2d counts it as zeros unless count_include_pad=False)"
      : "",
  ];
}
