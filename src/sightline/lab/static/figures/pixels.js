/** Figures about single pixels: the channels of a colour image, and what flattening does to neighbours. */

import { CellGrid } from "../shared/cells.js";
import { grey } from "../shared/colors.js";
import { range } from "../shared/convolution.js";
import { WHITE, makeInput } from "../shared/filters.js";
import { make } from "../shared/page.js";

/** @typedef {import("../shared/colors.js").Rgb} Rgb */

// A sunset of 8 x 8: sky from dark blue to orange, a sun, dark water. Made for this figure.
const SKY = [
  [36, 44, 96],
  [70, 60, 120],
  [128, 78, 128],
  [196, 104, 112],
  [236, 148, 84],
];
const SUN = [255, 214, 92];
const WATER = [
  [52, 58, 84],
  [36, 46, 76],
  [24, 36, 66],
];

/** @returns {Rgb[][]} */
function sunset() {
  return range(8).map((r) =>
    range(8).map((c) => {
      const sun = (r === 3 && c >= 4 && c <= 5) || (r === 4 && c >= 3 && c <= 6) || (r === 2 && c >= 4 && c <= 5);
      const glitter = r >= 5 && (c === 4 || c === 5) && (r + c) % 2 === 1;
      return /** @type {Rgb} */ (sun ? SUN : glitter ? [204, 150, 92] : r < 5 ? SKY[r] : WATER[r - 5]);
    }),
  );
}

/** An image, its channels, and one pixel's numbers; red and blue can be swapped. @param {HTMLElement} place */
export function pixels(place) {
  const image = sunset();
  const names = ["red", "green", "blue"];
  let swapped = false;
  const words = make("p", { class: "equation", role: "status" });
  const row = make("div", { class: "channels-row" });
  /** @type {[number, number]} */
  let at = [3, 4];
  /** @type {CellGrid[]} */
  const grids = [];
  const point = (/** @type {[number, number] | null} */ to) => {
    at = to ?? at;
    const [r, c] = at;
    for (const grid of grids) grid.surround({ row: r, column: c, rows: 1, columns: 1 });
    const stored = image[r][c];
    const order = swapped ? [...stored].reverse() : stored;
    words.textContent = swapped
      ? `image[${r}, ${c}] is stored as [${stored.join(", ")}], and shown as if it were blue, green, red: ` +
        `red ${order[0]}, green ${order[1]}, blue ${order[2]}`
      : `image[${r}, ${c}] = [${stored.join(", ")}]: red ${stored[0]}, green ${stored[1]}, blue ${stored[2]} of 255`;
  };
  for (const name of ["the image", ...names]) {
    const grid = make("div");
    row.append(make("div", { class: "panel" }, make("p", { class: "caption" }, name), grid));
    grids.push(new CellGrid(grid, name, { onPoint: (to) => to && point(to) }));
  }
  const draw = () => {
    const colors = image.map((line) =>
      line.map((pixel) => /** @type {Rgb} */ (swapped ? [...pixel].reverse() : pixel)),
    );
    grids[0].draw(colors.map((line) => line.map((color) => ({ text: "", color }))));
    names.forEach((_, i) =>
      grids[i + 1].draw(
        colors.map((line) => line.map((pixel) => ({ text: String(pixel[i]), color: grey(pixel[i], 255) }))),
      ),
    );
    for (const [i, cell] of grids[0].cells.entries())
      cell.setAttribute(
        "aria-label",
        `red ${colors[i >> 3][i & 7].join(", ")}`.replace(/, (\d+), /, ", green $1, blue "),
      );
    point(null);
  };
  const swap = make("button", { type: "button", class: "button", "aria-pressed": "false" }, "Read as BGR");
  swap.addEventListener("click", () => {
    swapped = !swapped;
    swap.setAttribute("aria-pressed", String(swapped));
    swap.textContent = swapped ? "Read as RGB" : "Read as BGR";
    draw();
  });
  place.append(
    row,
    words,
    make("p", { class: "row" }, swap, make("span", { class: "hint" }, "shape (8, 8, 3), uint8, 0 to 255")),
  );
  draw();
}

/** An image and the row it is flattened to; neighbours are marked in both. @param {HTMLElement} place */
export function neighbours(place) {
  const image = makeInput("digit", 8, 8);
  const square = make("div");
  const line = make("div", { class: "flat" });
  const words = make("p", { class: "equation", role: "status" });
  const near = (/** @type {number} */ i) => {
    const [r, c] = [i >> 3, i & 7];
    return [
      [r - 1, c],
      [r, c - 1],
      [r, c + 1],
      [r + 1, c],
    ]
      .filter(([y, x]) => y >= 0 && y < 8 && x >= 0 && x < 8)
      .map(([y, x]) => y * 8 + x);
  };
  const point = (/** @type {number} */ i) => {
    const marks = new Set([i, ...near(i)]);
    grid.mark("lit", marks);
    flat.mark("lit", marks);
    const away = near(i).map((other) => Math.abs(other - i));
    const places = [...new Set(away)].sort((a, b) => a - b).join(" and ");
    words.textContent =
      `Row ${(i >> 3) + 1}, column ${(i & 7) + 1} becomes place ${i + 1} of 64. ` +
      `In the image its neighbours are 1 pixel away; in the row they are ${places} places away.`;
  };
  const grid = new CellGrid(square, "The image", { onPoint: (at) => at && point(at[0] * 8 + at[1]) });
  const flat = new CellGrid(line, "The row of 64 numbers", { onPoint: (at) => at && point(at[1]) });
  place.append(make("div", { class: "panel small" }, square), line, words);
  grid.draw(image.map((row) => row.map((value) => ({ text: String(value), color: grey(value, WHITE) }))));
  flat.draw([image.flat().map((value) => ({ text: "", color: grey(value, WHITE) }))]);
  flat.cells.forEach((cell, i) => cell.setAttribute("aria-label", String(image.flat()[i])));
  point(27);
}
