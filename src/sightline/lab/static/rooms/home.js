/** The first page: a convolution at work. */

import { MiniConvolution } from "../figures/mini.js";
import { byId } from "../shared/page.js";

new MiniConvolution(byId("mini", HTMLElement), { input: "digit", filter: "sobel", plays: true });
