/** Figures that count parameters while one changes the sizes. */

import { countBars } from "../shared/bars.js";
import { grouped } from "../shared/numbers.js";
import { make } from "../shared/page.js";
import { sliders } from "./sliders.js";

/** A dense layer on the flattened image beside a convolution. @param {HTMLElement} place */
export function denseOrConv(place) {
  const draw = countBars(place, ["dense", "convolution"]);
  const formula = make("p", { class: "equation", role: "status" });
  place.append(formula);
  sliders(
    place,
    {
      side: { label: "image side", min: 8, max: 256, value: 100 },
      units: { label: "outputs or filters", min: 1, max: 256, value: 128 },
    },
    ({ side, units }) => {
      const [dense, convolution] = [side * side * 3 * units + units, 3 * 3 * 3 * units + units];
      draw([dense, convolution]);
      formula.textContent =
        `dense: ${side}·${side}·3·${units} + ${units} = ${grouped(dense)}\n` +
        `convolution 3 × 3: 3·3·3·${units} + ${units} = ${grouped(convolution)}, ` +
        `${grouped(Math.round(dense / convolution))} times fewer`;
    },
  );
}

/** filters · (kernel² · channels + 1). @param {HTMLElement} place */
export function convParameters(place) {
  const formula = make("p", { class: "big-formula", role: "status" });
  place.append(formula);
  sliders(
    place,
    {
      channels: { label: "channels in", min: 1, max: 512, value: 32 },
      filters: { label: "filters", min: 1, max: 512, value: 64 },
      kernel: { label: "kernel", min: 1, max: 11, value: 3 },
    },
    ({ channels, filters, kernel }) => {
      const count = filters * (kernel * kernel * channels + 1);
      formula.replaceChildren(
        `${filters} · (${kernel} · ${kernel} · ${channels} + 1) = `,
        make("b", {}, grouped(count)),
      );
    },
  );
}
