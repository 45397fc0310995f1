/** Figures that count parameters while one changes the sizes. */

import { grouped, make } from "../shared/page.js";
import { sliders } from "./sliders.js";

/** A dense layer on the flattened image beside a convolution. @param {HTMLElement} place */
export function denseOrConv(place) {
  const bars = ["dense", "convolution"].map((name) => {
    const bar = make("span", { class: "count-bar" });
    const words = make("span", { class: "count-words" });
    place.append(
      make(
        "div",
        { class: "count" },
        make("span", { class: "count-name" }, name),
        make("span", { class: "count-track" }, bar),
        words,
      ),
    );
    return { bar, words };
  });
  const formula = make("p", { class: "equation", role: "status" });
  place.append(formula);
  sliders(
    place,
    {
      side: { label: "image side", min: 8, max: 256, value: 100 },
      units: { label: "outputs or filters", min: 1, max: 256, value: 128 },
    },
    ({ side, units }) => {
      const counts = [side * side * 3 * units + units, 3 * 3 * 3 * units + units];
      bars.forEach(({ bar, words }, i) => {
        bar.style.width = `${Math.max(0.3, (100 * counts[i]) / counts[0])}%`;
        words.textContent = grouped(counts[i]);
      });
      formula.textContent = `dense: ${side}·${side}·3·${units} + ${units} = ${grouped(counts[0])}\nconvolution 3 × 3: 3·3·3·${units} + ${units} = ${grouped(counts[1])}, ${grouped(Math.round(counts[0] / counts[1]))} times fewer`;
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
