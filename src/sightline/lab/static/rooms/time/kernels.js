/** The kernels of the first layer, on one scale from the first snapshot to the last. */

import { drawKernels } from "../../shared/kernels.js";
import { signedLegend } from "../../shared/legend.js";
import { counted, significant } from "../../shared/numbers.js";
import { byId } from "../../shared/page.js";

/** @param {import("./film.js").Kernels | null} kernels @param {number} reach the weight at the ends of the scale */
export function showKernels(kernels, reach) {
  byId("kernels-place", HTMLElement).hidden = !kernels;
  if (!kernels) return;
  const { layer, of, values } = kernels;
  const canvas = byId("kernels", HTMLCanvasElement);
  drawKernels(canvas, values, reach);
  const amount = values.length < of ? `${values.length} of ${of} filters` : counted(values.length, "filter");
  const [{ length: channels }] = values;
  const deep = channels > 1 ? `; a column is a filter, its first ${counted(channels, "channel")} below each other` : "";
  const words = `${amount} of ${layer}${deep}`;
  const most = significant(reach, 2);
  canvas.setAttribute("aria-label", words);
  byId("kernels-words", HTMLElement).textContent =
    `${words}. Blue is below zero, orange above, up to ${most} either way.`;
  signedLegend(byId("kernels-legend", HTMLElement), [`−${most}`, "0", most]);
}
