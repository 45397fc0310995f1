/** Figures about sizes: where a window can stand along a row, and what pooling keeps when the image shifts. */

import { CellGrid } from "../shared/cells.js";
import { grey } from "../shared/colors.js";
import { axis, maxPool2d, range, ShapeError } from "../shared/convolution.js";
import { WHITE } from "../shared/filters.js";
import { counted } from "../shared/numbers.js";
import { make, sentence } from "../shared/page.js";
import { sliders } from "./sliders.js";

/** One row of pixels and every place of the window. @param {HTMLElement} place */
export function sizes(place) {
  const strip = make("div", { class: "strip", role: "img" });
  const formula = make("p", { class: "equation", role: "status" });
  place.append(strip, formula);
  sliders(
    place,
    {
      size: { label: "pixels", min: 4, max: 20, value: 10 },
      kernel: { label: "kernel", min: 1, max: 7, value: 3 },
      padding: { label: "padding", min: 0, max: 3, value: 1 },
      stride: { label: "stride", min: 1, max: 4, value: 2 },
    },
    ({ size, kernel, padding, stride }) => {
      try {
        const { outputs, span } = axis(size, kernel, { stride, padding });
        strip.style.setProperty("--columns", String(size + 2 * padding));
        const reached = (outputs - 1) * stride + span;
        const cells = range(size + 2 * padding).map((i) =>
          make("span", { class: i < padding || i >= size + padding ? "pad" : i >= reached ? "pixel missed" : "pixel" }),
        );
        const windows = range(outputs).map((i) => {
          const bar = make("span", { class: "window" });
          bar.style.setProperty("grid-column", `${i * stride + 1} / span ${span}`);
          bar.style.setProperty("grid-row", String(i + 2));
          return bar;
        });
        strip.replaceChildren(...cells, ...windows);
        strip.setAttribute(
          "aria-label",
          `${counted(size, "pixel")} with ${padding} of padding on either side; ` +
            `the window has ${counted(outputs, "place")}`,
        );
        formula.textContent = `⌊(${size} + 2·${padding} − ${kernel}) / ${stride}⌋ + 1 = ${outputs}`;
      } catch (error) {
        if (!(error instanceof ShapeError)) throw error;
        strip.replaceChildren();
        formula.textContent = sentence(error.message);
      }
    },
  );
}

// A bright blob of 8 x 8 whose values all differ, so that a maximum belongs to one pixel. Made for this figure.
const BLOB = range(8).map((r) =>
  range(8).map((c) => Math.max(0, Math.round(WHITE - 1.3 * Math.hypot(r - 2.6, c - 3.2)))),
);

/** An image that can be shifted, and its 2 x 2 maxima; those that stayed are marked. @param {HTMLElement} place */
export function pooling(place) {
  const [input, output] = [make("div"), make("div")];
  const words = make("p", { class: "equation", role: "status" });
  place.append(
    make(
      "div",
      { class: "stage" },
      make("div", { class: "panel" }, make("p", { class: "caption" }, make("b", {}, "Feature map")), input),
      make(
        "div",
        { class: "panel" },
        make("p", { class: "caption" }, make("b", {}, "Max pooling"), " 2 × 2, stride 2"),
        output,
      ),
    ),
    words,
  );
  const grid = new CellGrid(input, "Feature map");
  const pooled = new CellGrid(output, "Pooled map");
  const before = maxPool2d(BLOB, 2);
  const cells = (/** @type {number[][]} */ values) =>
    values.map((row) => row.map((value) => ({ text: String(value), color: grey(value, WHITE) })));
  let [down, right] = [0, 0];
  const draw = () => {
    const moved = range(8).map((r) => range(8).map((c) => BLOB[r - down]?.[c - right] ?? 0));
    const now = maxPool2d(moved, 2);
    const stayed = now.flat().flatMap((value, i) => (value === before.flat()[i] ? [i] : []));
    const pixels = moved.flat().filter((value, i) => value === BLOB.flat()[i]).length;
    grid.draw(cells(moved));
    pooled.draw(cells(now));
    pooled.mark("lit", new Set(stayed));
    words.textContent =
      down || right
        ? `${stayed.length} of 16 pooled values stayed; ` +
          `of the ${BLOB.flat().length} values before pooling, ${pixels} did.`
        : "Not shifted: all 16 pooled values are as they were.";
  };
  const buttons = /** @type {[string, number, number][]} */ ([
    ["Left", 0, -1],
    ["Right", 0, 1],
    ["Up", -1, 0],
    ["Down", 1, 0],
  ]).map(([name, y, x]) => {
    const button = make("button", { type: "button", class: "button" }, name);
    button.addEventListener("click", () => {
      down = Math.max(-2, Math.min(2, down + y));
      right = Math.max(-2, Math.min(2, right + x));
      draw();
    });
    return button;
  });
  const back = make("button", { type: "button", class: "button" }, "Back");
  back.addEventListener("click", () => {
    [down, right] = [0, 0];
    draw();
  });
  place.append(make("p", { class: "row" }, ...buttons, back));
  draw();
}
