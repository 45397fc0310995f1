/**
 * What layers do to an image: shapes, parameters, multiply-adds, receptive field. Pure; the rules are those of PyTorch,
 * and the numbers those of `sightline.models.summary`.
 */

import { ShapeError, axis, poolingPlan } from "../../shared/convolution.js";

/**
 * A layer as zoo.json has it. from: positions of the layers whose outputs it sees, -1 for the image; the one before
 * when left out.
 * @typedef {{kind: string, name?: string, from?: number[], in?: number, out?: number, kernel?: number, stride?: number,
 *   padding?: import("../../shared/convolution.js").Padding, dilation?: number, groups?: number, bias?: boolean,
 *   size?: number, p?: number}} Layer
 */
/**
 * @typedef {{size: number, stride: number}} Field pixels of the image that one value depends on, and how far its
 *   neighbour's are from them; Infinity: all
 */
/**
 * @typedef {{shape: number[], parameters: number, multiplyAdds: number, field: Field}} Row shape: [channels, height,
 *   width] or [features]
 */
/** @typedef {{row: Row | null, problem: string}} Outcome problem: why there is no row; empty when there is one */

/** @type {Field} */
const EVERYTHING = { size: Infinity, stride: Infinity };

/**
 * Every layer's outcome for an image [channels, height, width]. After a problem the layers that need its output have
 * none of their own: their outcome is no row and no problem.
 * @param {Layer[]} layers @param {number[]} image @returns {Outcome[]}
 */
export function follow(layers, image) {
  /** @type {Row} */
  const start = { shape: image, parameters: 0, multiplyAdds: 0, field: { size: 1, stride: 1 } };
  /** @type {Outcome[]} */
  const outcomes = [];
  layers.forEach((layer, i) => {
    const inputs = (layer.from ?? [i - 1]).map((from) => (from < 0 ? start : outcomes[from].row));
    const known = inputs.filter((row) => row !== null);
    if (known.length < inputs.length) {
      outcomes.push({ row: null, problem: "" });
      return;
    }
    try {
      outcomes.push({ row: through(layer, joined(known)), problem: "" });
    } catch (error) {
      if (!(error instanceof ShapeError)) throw error;
      outcomes.push({ row: null, problem: error.message });
    }
  });
  return outcomes;
}

/** Sums over all layers that have a row. @param {Outcome[]} outcomes */
export function totals(outcomes) {
  const sum = (/** @type {(row: Row) => number} */ value) =>
    outcomes.reduce((all, { row }) => all + (row ? value(row) : 0), 0);
  return { parameters: sum((row) => row.parameters), multiplyAdds: sum((row) => row.multiplyAdds) };
}

/**
 * Where branches meet: the longest counts; a shortcut without weights is thinned out and given more channels on its
 * way.
 * @param {Row[]} rows @returns {Row}
 */
function joined(rows) {
  if (rows.length === 1) return rows[0];
  const most = rows[0].shape.map((_, axis) => (axis ? Math.min : Math.max)(...rows.map(({ shape }) => shape[axis])));
  const field = {
    size: Math.max(...rows.map((row) => row.field.size)),
    stride: Math.max(...rows.map((row) => row.field.stride)),
  };
  return { shape: most, parameters: 0, multiplyAdds: 0, field };
}

/** @param {Layer} layer @param {Row} input @returns {Row} */
function through(layer, { shape, field }) {
  const [channels, height, width] = shape;
  const maps = shape.length === 3;
  const usual = { parameters: 0, multiplyAdds: 0, field };
  switch (layer.kind) {
    case "Conv2d": {
      needsMaps(layer, maps);
      const { out = 1, groups = 1, bias = true, kernel = 1, stride = 1, dilation = 1, padding = 0 } = layer;
      if (padding === "same" && stride > 1)
        throw new ShapeError("PyTorch has padding 'same' for stride 1 only: use a number of pixels");
      if (layer.in !== undefined && layer.in !== channels)
        throw new ShapeError(`it was made for ${layer.in} channels and gets ${channels}`);
      const [h, w] = [height, width].map((size) => axis(size, kernel, { stride, padding, dilation }).outputs);
      const weights = (out * channels * kernel * kernel) / groups;
      return {
        shape: [out, h, w],
        parameters: weights + (bias ? out : 0),
        multiplyAdds: weights * h * w,
        field: fieldAfter(field, (kernel - 1) * dilation + 1, stride),
      };
    }
    case "MaxPool2d":
    case "AvgPool2d": {
      needsMaps(layer, maps);
      const { kernel = 2, stride = kernel, padding = 0 } = layer;
      const { rows, columns } = poolingPlan(height, width, kernel, { stride, padding });
      return { ...usual, shape: [channels, rows.outputs, columns.outputs], field: fieldAfter(field, kernel, stride) };
    }
    case "AdaptiveAvgPool2d": {
      needsMaps(layer, maps);
      const { size = 1 } = layer;
      return { ...usual, shape: [channels, size, size], field: adapted(field, Math.max(height, width), size) };
    }
    case "Flatten":
      return { ...usual, shape: [shape.reduce((all, n) => all * n, 1)], field: EVERYTHING };
    case "Linear": {
      // Global pooling outside of all layers leaves one value a channel.
      if (maps && layer.in === undefined)
        throw new ShapeError(
          `a Linear layer needs a vector, and gets maps of ${shape.join(" × ")}: ` +
            "put Flatten or global pooling before it",
        );
      const { out = 1, bias = true } = layer;
      const weights = shape[0] * out;
      return { shape: [out], parameters: weights + (bias ? out : 0), multiplyAdds: weights, field: EVERYTHING };
    }
    case "BatchNorm2d":
      needsMaps(layer, maps);
      return { ...usual, shape, parameters: 2 * channels };
    case "BatchNorm1d":
      return { ...usual, shape, parameters: 2 * channels };
    default:
      return { ...usual, shape };
  }
}

/** @param {Layer} layer @param {boolean} maps */
function needsMaps({ kind }, maps) {
  if (!maps)
    throw new ShapeError(`${kind} needs maps (channels × height × width), and gets a vector: move it before Flatten`);
}

/** @param {Field} field @param {number} kernel @param {number} stride @returns {Field} */
function fieldAfter(field, kernel, stride) {
  return { size: field.size + (kernel > 1 ? (kernel - 1) * field.stride : 0), stride: field.stride * stride };
}

/**
 * Adaptive pooling: where the sizes do not divide, windows differ: the widest, at the mean distance.
 * @param {Field} field @param {number} inputs @param {number} outputs
 */
function adapted(field, inputs, outputs) {
  if (outputs === 1 && inputs > 1) return EVERYTHING;
  const widths = Array.from(
    { length: outputs },
    (_, i) => Math.ceil(((i + 1) * inputs) / outputs) - Math.floor((i * inputs) / outputs),
  );
  return fieldAfter(field, Math.max(...widths), inputs / outputs);
}
