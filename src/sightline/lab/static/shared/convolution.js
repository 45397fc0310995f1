/**
 * Convolution and pooling, as `sightline.pixels.textbook` has them, with dilation as in PyTorch. Pure: numbers in,
 * numbers out; every figure of the lab that convolves asks here. "Convolution" slides the kernel without flipping it.
 *
 * padding is a number of pixels added on every side, or
 *     "valid"  none: the window stays inside the image;
 *     "same"   as many as make the output ceil(size / stride) long; when that is an odd number, the extra pixel is
 *              added at the bottom and at the right.
 */

/** @typedef {number | "valid" | "same"} Padding */
/** @typedef {number[][]} Grid rows of numbers, all equally long */
/** @typedef {{stride?: number, padding?: Padding, dilation?: number}} Options */
/**
 * @typedef {{size: number, before: number, after: number, span: number, stride: number, dilation: number,
 *   kernel: number, outputs: number}} Axis
 *  size: pixels of the image; span: pixels from the first to the last one that the window looks at.
 */
/** @typedef {{rows: Axis, columns: Axis}} Plan */
/** @typedef {{patch: Grid, products: Grid, sum: number}} Step */

/**
 * The grid with another value at one place.
 * @param {Grid} grid @param {number} row @param {number} column @param {number} value
 */
export function replaced(grid, row, column, value) {
  return grid.map((line, r) => (r === row ? line.map((old, c) => (c === column ? value : old)) : line));
}

/** A window that does not fit; the message says what to change. */
export class ShapeError extends Error {}

/**
 * How a window moves along one axis. Throws ShapeError where no position is left.
 * @param {number} size @param {number} kernel @param {Options} [options] @returns {Axis}
 */
export function axis(size, kernel, { stride = 1, padding = 0, dilation = 1 } = {}) {
  if (![size, kernel, stride, dilation].every((n) => Number.isInteger(n) && n >= 1)) {
    throw new ShapeError(
      `size ${size}, kernel ${kernel}, stride ${stride}, dilation ${dilation}: use 1 or more for each`,
    );
  }
  const span = (kernel - 1) * dilation + 1;
  const [before, after] = padWidths(size, span, stride, padding);
  const padded = size + before + after;
  if (span > padded) {
    throw new ShapeError(
      `a window of ${span} does not fit into ${padded} pixels: use a window of at most ${padded}, or padding 'same'`,
    );
  }
  return { size, before, after, span, stride, dilation, kernel, outputs: Math.floor((padded - span) / stride) + 1 };
}

/**
 * @param {number} size @param {number} span @param {number} stride @param {Padding} padding @returns {[number, number]}
 */
function padWidths(size, span, stride, padding) {
  if (padding === "valid") return [0, 0];
  if (padding === "same") {
    const total = Math.max((Math.ceil(size / stride) - 1) * stride + span - size, 0);
    return [Math.floor(total / 2), Math.ceil(total / 2)];
  }
  if (!Number.isInteger(padding) || padding < 0) {
    throw new ShapeError(`padding is ${padding}: use 'valid', 'same' or a number of pixels, 0 or more`);
  }
  return [padding, padding];
}

/**
 * Both axes. @param {number} height @param {number} width @param {[number, number]} kernel rows, columns
 * @param {Options} [options] @returns {Plan}
 */
export function plan(height, width, [kernelRows, kernelColumns], options) {
  return { rows: axis(height, kernelRows, options), columns: axis(width, kernelColumns, options) };
}

/**
 * The pixels under the window at one output position, as image coordinates; outside the image they are padding.
 * @param {Plan} plan @param {number} row @param {number} column @returns {[number, number][][]}
 */
export function window(plan, row, column) {
  const { rows, columns } = plan;
  const top = row * rows.stride - rows.before;
  const left = column * columns.stride - columns.before;
  return range(rows.kernel).map((r) =>
    range(columns.kernel).map(
      (c) => /** @type {[number, number]} */ ([top + r * rows.dilation, left + c * columns.dilation]),
    ),
  );
}

/**
 * The outputs whose window contains one pixel of the image, with the place in the window that it has there.
 * @param {Plan} plan @param {number} row @param {number} column
 * @returns {{output: [number, number], place: [number, number]}[]}
 */
export function outputsOf({ rows, columns }, row, column) {
  return reached(rows, row).flatMap(([outputRow, placeRow]) =>
    reached(columns, column).map(([outputColumn, placeColumn]) => ({
      output: /** @type {[number, number]} */ ([outputRow, outputColumn]),
      place: /** @type {[number, number]} */ ([placeRow, placeColumn]),
    })),
  );
}

/**
 * @param {Axis} axis @param {number} at @returns {[number, number][]} output and place in the window, along one axis
 */
function reached(axis, at) {
  return range(axis.outputs).flatMap((output) => {
    const offset = at - (output * axis.stride - axis.before);
    const place = offset / axis.dilation;
    return Number.isInteger(place) && place >= 0 && place < axis.kernel
      ? [/** @type {[number, number]} */ ([output, place])]
      : [];
  });
}

/**
 * What the window sees at one output position (zeros in the padding), its products with the kernel, and their sum.
 * @param {Grid} image @param {Grid} kernel @param {Plan} plan @param {number} row @param {number} column
 * @returns {Step}
 */
export function step(image, kernel, plan, row, column) {
  const patch = window(plan, row, column).map((line) => line.map(([r, c]) => image[r]?.[c] ?? 0));
  const products = patch.map((line, r) => line.map((value, c) => value * kernel[r][c] || 0)); // || 0: never -0
  return { patch, products, sum: products.flat().reduce((sum, value) => sum + value, 0) };
}

/**
 * Slide `kernel` over `image`; at every position multiply element by element and add up.
 * @param {Grid} image @param {Grid} kernel @param {Options} [options] @returns {Grid}
 */
export function convolve2d(image, kernel, options) {
  const moves = plan(image.length, image[0].length, [kernel.length, kernel[0].length], options);
  return everywhere(moves, (row, column) => step(image, kernel, moves, row, column).sum);
}

/**
 * The largest value of each `size` x `size` window; padding never wins. stride: `size` when left out.
 * @param {Grid} image @param {number} [size] @param {Options} [options] @returns {Grid}
 */
export function maxPool2d(image, size = 2, options) {
  return pool(image, size, options, (values) => Math.max(...values));
}

/**
 * The mean of each `size` x `size` window over the image's own pixels: padding does not count.
 * stride: `size` when left out.
 * @param {Grid} image @param {number} [size] @param {Options} [options] @returns {Grid}
 */
export function averagePool2d(image, size = 2, options) {
  return pool(image, size, options, (values) => values.reduce((sum, value) => sum + value, 0) / values.length);
}

/**
 * @param {Grid} image @param {number} size @param {Options | undefined} options
 * @param {(values: number[]) => number} combine
 */
function pool(image, size, options, combine) {
  const moves = poolingPlan(image.length, image[0].length, size, options);
  return everywhere(moves, (row, column) => {
    const inside = window(moves, row, column)
      .flat()
      .filter(([r, c]) => image[r]?.[c] !== undefined);
    return combine(inside.map(([r, c]) => image[r][c]));
  });
}

/**
 * Both axes of a pooling window, which must never lie in padding alone: it would have no pixel to take.
 * @param {number} height @param {number} width @param {number} size @param {Options} [options] @returns {Plan}
 */
export function poolingPlan(height, width, size, options = {}) {
  const { stride = size, padding = 0 } = options;
  if (typeof padding === "number" && padding > Math.floor(size / 2)) {
    throw new ShapeError(`padding is ${padding} for a window of ${size}: use at most ${Math.floor(size / 2)}`);
  }
  return plan(height, width, [size, size], { stride, padding });
}

/** What ReLU makes of a map: negative values become 0. @param {Grid} image @returns {Grid} */
export function relu(image) {
  return image.map((row) => row.map((value) => Math.max(0, value)));
}

/** @param {Plan} plan @param {(row: number, column: number) => number} value @returns {Grid} */
function everywhere(plan, value) {
  return range(plan.rows.outputs).map((row) => range(plan.columns.outputs).map((column) => value(row, column)));
}

/** 0, 1, ..., count - 1. @param {number} count */
export function range(count) {
  return Array.from({ length: count }, (_, i) => i);
}
