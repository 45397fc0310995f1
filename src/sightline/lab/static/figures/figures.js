/** The live figures of the lessons, by the name in data-figure. Each fills an empty element. */

import { separable, stack, timeline } from "./blocks.js";
import { denseOrConv, convParameters } from "./count.js";
import { freezing, interval, threshold } from "./judging.js";
import { softmaxFigure } from "./loss.js";
import { MiniConvolution } from "./mini.js";
import { neighbours, pixels } from "./pixels.js";
import { pooling, sizes } from "./sizes.js";
import { augment, fitting } from "./training.js";

/** @type {Record<string, (place: HTMLElement) => void>} */
export const FIGURES = {
  pixels,
  neighbours,
  "dense-or-conv": denseOrConv,
  "conv-parameters": convParameters,
  sizes,
  pooling,
  softmax: softmaxFigure,
  stack,
  timeline,
  separable,
  fitting,
  augment,
  freezing,
  interval,
  threshold,
  convolution: (place) => {
    new MiniConvolution(place, { input: "digit", filter: "vertical" });
  },
};
