/** A picture after a filter: what is multiplied with what, and the outcome as colours. */

import { range } from "../../shared/convolution.js";
import { signedTable } from "../../shared/heat.js";
import { colorPlanes, convolve, grayPlane, normalised } from "./convolve.js";
import { keepsBrightness } from "./settings.js";

/** @typedef {import("./convolve.js").Plane} Plane */
/** @typedef {import("./loupe.js").Operands} Operands */
/** @typedef {import("./settings.js").Settings} Settings */
/**
 * @typedef {{layer: string, network: string, values: number[][][][], bias: number[], mean: number[], std: number[]}}
 *   Learnt the filters of a network's first layer, and how it normalises a picture before them
 */

const GREYS = range(256).map((level) => [level, level, level]);

/** @param {ImageData} image @param {Settings} settings @param {Learnt | null} learnt @returns {Operands} */
export function operandsOf(image, { weights, divisor, learnt: number }, learnt) {
  if (!learnt || number < 0) {
    return { planes: [grayPlane(image)], kernels: [weights.map((row) => row.map((one) => one / divisor))], bias: 0 };
  }
  const kernels = learnt.values[number];
  const planes = kernels.length === 3 ? colorPlanes(image) : [grayPlane(image)];
  return {
    planes: planes.map((plane, c) => normalised(plane, learnt.mean[c], learnt.std[c])),
    kernels,
    bias: learnt.bias[number],
  };
}

/** @param {Operands} given */
export function filtered({ planes, kernels, bias }) {
  return convolve(planes, kernels, bias);
}

/**
 * The value at the ends of the scale: the largest magnitude; 1 for images.
 * @param {Plane} plane @param {Settings} settings @param {number} [before] of the picture before, so that a film does
 * not flicker
 */
export function reachOfPlane({ values }, settings, before = 0) {
  if (keepsBrightness(settings)) return 1;
  return values.reduce((most, value) => Math.max(most, Math.abs(value)), 0.95 * before) || 1;
}

/** Whether it is drawn from black to white, and not from blue to orange. @param {Settings} settings */
export function isGrey(settings) {
  return settings.absolute || keepsBrightness(settings);
}

/** @param {HTMLCanvasElement} canvas @param {Plane} plane @param {number} reach @param {Settings} settings */
export function paint(canvas, { height, width, values }, reach, settings) {
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  const inGrey = isGrey(settings);
  const colors = Uint32Array.from(
    inGrey ? GREYS : signedTable(),
    ([r, g, b]) => (255 << 24) | (b << 16) | (g << 8) | r,
  );
  const image = new ImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  const { relu, absolute } = settings;
  for (let i = 0; i < values.length; i += 1) {
    const value = relu && values[i] < 0 ? 0 : values[i];
    const share = absolute ? Math.abs(value) / reach : inGrey ? value / reach : (value / reach + 1) / 2;
    pixels[i] = colors[Math.max(0, Math.min(255, Math.round(255 * share)))];
  }
  /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d")).putImageData(image, 0, 0);
}
