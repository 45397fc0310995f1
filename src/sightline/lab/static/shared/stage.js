/**
 * The input and the output side by side, linked: pointing at an output lights its patch, pointing at a pixel lights
 * every output whose window it is in. Draws only; `state.js` computes.
 */

import { CellGrid } from "./cells.js";
import { darkMode, grey, signed } from "./colors.js";
import { outputsOf, range, window as windowOf } from "./convolution.js";
import { WHITE } from "./filters.js";
import { greyLegend, mapLegend } from "./legend.js";
import { decimal } from "./numbers.js";

/** @typedef {import("./state.js").State} State */
/** @typedef {import("./state.js").Result} Result */
/** @typedef {import("./cells.js").Cell} Cell */
/** @typedef {[number, number]} Place row and column */
/** @typedef {{output: Place | null, pixel: Place | null}} Focus what is pointed at; a pixel may lie in the padding */
/**
 * @typedef {{onFocus: (focus: Focus) => void, onPress?: (pixel: Place) => void,
 *   onKey?: (pixel: Place, key: string) => boolean, onChoose?: (output: Place) => void}} StageHandlers
 */

export class Stage {
  /**
   * @param {{input: HTMLElement, output: HTMLElement, inputLegend?: HTMLElement, outputLegend?: HTMLElement}} parts
   * @param {StageHandlers} handlers
   */
  constructor(parts, handlers) {
    this.parts = parts;
    /** @type {[State, Result, number] | null} */
    this.shown = null;
    this.offset = [0, 0];
    /** @type {unknown[]} */
    this.drawn = []; // what the input was drawn from; a step of the animation changes only the output
    /** @type {Result | null} */
    this.scaled = null; // the result whose scale stands below the output
    const inside = (/** @type {Place} */ at) => /** @type {Place} */ ([at[0] - this.offset[0], at[1] - this.offset[1]]);
    this.input = new CellGrid(parts.input, "Input", {
      onPoint: (at) => handlers.onFocus({ output: null, pixel: at && inside(at) }),
      onPress: (at) => handlers.onPress?.(inside(at)),
      onKey: (at, key) => handlers.onKey?.(inside(at), key) ?? false,
    });
    this.output = new CellGrid(parts.output, "Output", {
      onPoint: (at) => handlers.onFocus({ output: at, pixel: null }),
      onPress: (at) => handlers.onChoose?.(at),
    });
    darkMode.addEventListener("change", () => {
      if (!this.shown) return;
      this.drawn = [];
      this.scaled = null;
      this.input.forget();
      this.output.forget();
      this.draw(...this.shown);
    });
  }

  /**
   * Show the image and the first `count` outputs. @param {State} state @param {Result} result @param {number} count
   */
  draw(state, result, count) {
    this.shown = [state, result, count];
    const { rows, columns } = result.plan;
    this.drawInput(state, result.plan);
    this.output.label(`Output, ${rows.outputs} rows and ${columns.outputs} columns`);
    this.output.draw(
      result.output.map((line, r) =>
        line.map((value, c) =>
          r * columns.outputs + c < count
            ? {
                text: cellText(value),
                color: result.signed ? signed(value, result.limit) : grey(value, result.limit),
                kind: "",
              }
            : { text: "", color: null, kind: "waiting" },
        ),
      ),
    );
    const { outputLegend } = this.parts;
    if (outputLegend && this.scaled !== result) mapLegend(outputLegend, result.signed, result.limit);
    this.scaled = result;
  }

  /**
   * The image with its padding; without a plan (no window fits) the image alone.
   * @param {State} state @param {import("./convolution.js").Plan | null} plan
   */
  drawInput({ pixels, mode }, plan) {
    const alone = (/** @type {number} */ size) => ({
      size,
      before: 0,
      after: 0,
      span: 0,
      stride: 1,
      dilation: 1,
      kernel: 0,
      outputs: size + 1,
    });
    const { rows, columns } = plan ?? { rows: alone(pixels.length), columns: alone(pixels[0].length) };
    this.offset = [rows.before, columns.before];
    const from = [pixels, plan, mode];
    if (from.every((part, i) => part === this.drawn[i])) return;
    this.drawn = from;
    const reach = (/** @type {import("./convolution.js").Axis} */ axis) =>
      (axis.outputs - 1) * axis.stride - axis.before + axis.span;
    this.input.label(
      `Input, ${pixels.length} rows and ${pixels[0].length} columns` +
        (rows.before + rows.after ? ", with padding around it" : ""),
    );
    this.input.draw(
      range(rows.before + rows.size + rows.after).map((r) =>
        range(columns.before + columns.size + columns.after).map((c) => {
          const [row, column] = [r - rows.before, c - columns.before];
          const value = pixels[row]?.[column];
          const kind = row >= reach(rows) || column >= reach(columns) ? " unused" : "";
          if (value === undefined)
            return { text: mode === "convolution" ? "0" : "", color: null, kind: `padding${kind}` };
          return { text: String(value), color: grey(value, WHITE), kind };
        }),
      ),
    );
    if (!plan) {
      this.shown = null;
      this.input.surround(null);
      this.input.mark("lit", new Set());
    }
    if (this.parts.inputLegend) greyLegend(this.parts.inputLegend, ["0 black", "9 white"]);
  }

  /**
   * Light what is linked to what is pointed at, or else to the output at `at`.
   * @param {Focus} focus @param {Place} at
   */
  light(focus, at) {
    if (!this.shown) return;
    const { plan } = this.shown[1];
    const across = this.input.columns;
    if (focus.pixel) {
      const [row, column] = focus.pixel;
      const reached = outputsOf(plan, row, column).map(({ output }) => output[0] * this.output.columns + output[1]);
      this.input.surround(null);
      this.input.mark("lit", new Set([(row + this.offset[0]) * across + column + this.offset[1]]));
      this.output.mark("lit", new Set(reached));
      this.output.surround(null);
      return;
    }
    const [row, column] = focus.output ?? at;
    const places = windowOf(plan, row, column);
    const [top, left] = places[0][0];
    this.input.surround({
      row: top + this.offset[0],
      column: left + this.offset[1],
      rows: plan.rows.span,
      columns: plan.columns.span,
    });
    const dilated = plan.rows.dilation > 1;
    const cells = places.flat().map(([r, c]) => (r + this.offset[0]) * across + c + this.offset[1]);
    this.input.mark("lit", new Set(dilated ? cells : []));
    this.output.mark("lit", new Set());
    this.output.surround({ row, column, rows: 1, columns: 1 });
  }
}

/** A value as it stands in a cell: few digits. @param {number} value */
function cellText(value) {
  return decimal(Math.round(value * 10) / 10);
}
