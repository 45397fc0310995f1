/** Kernels of a convolution as small squares: blue below zero, orange above. */

import { css, signed } from "./colors.js";

/** @typedef {number[][][][]} Kernels filters, channels, rows, columns */

/**
 * Filters of one channel in rows of eight, others a column each with their channels below each other. The canvas has a
 * pixel a weight; the style sheet enlarges it by `--pixels`, its width.
 * @param {HTMLCanvasElement} canvas @param {Kernels} values @param {number} reach the weight at the ends of the scale
 */
export function drawKernels(canvas, values, reach) {
  const [channels, height, width] = [values[0].length, values[0][0].length, values[0][0][0].length];
  const columns = channels === 1 ? Math.min(8, values.length) : values.length;
  const rows = channels === 1 ? Math.ceil(values.length / columns) : channels;
  [canvas.width, canvas.height] = [columns * (width + 1) - 1, rows * (height + 1) - 1];
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  values.forEach((filter, number) =>
    filter.forEach((plane, channel) => {
      const [row, column] = channels === 1 ? [Math.floor(number / columns), number % columns] : [channel, number];
      plane.forEach((line, y) =>
        line.forEach((weight, x) => {
          context.fillStyle = css(signed(weight, reach));
          context.fillRect(column * (width + 1) + x, row * (height + 1) + y, 1, 1);
        }),
      );
    }),
  );
  canvas.style.setProperty("--pixels", String(canvas.width));
}

/** The largest magnitude, or 1. @param {Kernels} values */
export function reachOf(values) {
  return values.flat(3).reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;
}
