/** The live figures of the lessons, by the name in data-figure. Each fills an empty element. */

import { separable, stack, timeline } from "./figures_blocks.js";
import { denseOrConv, convParameters } from "./figures_count.js";
import { freezing, interval, threshold } from "./figures_judging.js";
import { softmaxFigure } from "./figures_loss.js";
import { neighbours, pixels } from "./figures_pixels.js";
import { pooling, sizes } from "./figures_sizes.js";
import { augment, fitting } from "./figures_training.js";
import { MiniConvolution } from "./mini.js";

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
