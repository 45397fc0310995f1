/** The first page: a convolution at work. */

import { MiniConvolution } from "./mini.js";
import { byId } from "./page.js";

new MiniConvolution(byId("mini", HTMLElement), { input: "digit", filter: "sobel", plays: true });
