/** The live figures of the lessons, by the name in data-figure. Each fills an empty element. */

import { denseOrConv, convParameters } from "./figures_count.js";
import { neighbours, pixels } from "./figures_pixels.js";
import { MiniConvolution } from "./mini.js";

/** @type {Record<string, (place: HTMLElement) => void>} */
export const FIGURES = {
  pixels,
  neighbours,
  "dense-or-conv": denseOrConv,
  "conv-parameters": convParameters,
  convolution: (place) => {
    new MiniConvolution(place, { input: "digit", filter: "vertical" });
  },
};
