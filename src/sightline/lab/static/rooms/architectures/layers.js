/** Layers as a table whose first column is their graph, and as a silhouette: how maps get smaller and more. */

import { counted, grouped } from "../../shared/numbers.js";
import { make, makeSvg } from "../../shared/page.js";
import { layerCode } from "./torchcode.js";

/** @typedef {import("./shapes.js").Layer} Layer */
/** @typedef {import("./shapes.js").Outcome} Outcome */
/** @typedef {import("./shapes.js").Row} Row */

const LANES = [10, 26]; // x of the main line and of a shortcut

/** 64 × 56 × 56, never broken into two lines. @param {number[]} shape */
export function shapeText(shape) {
  return shape.join("\u00a0×\u00a0");
}

/** @param {Row} row */
export function fieldText({ field }) {
  return Number.isFinite(field.size) ? grouped(Math.round(field.size)) : "whole image";
}

/**
 * The rows of the table's body.
 * @param {Layer[]} layers @param {Outcome[]} outcomes @param {number[]} image @returns {HTMLTableRowElement[]}
 */
export function layerRows(layers, outcomes, image) {
  const graph = drawGraph(layers);
  const first = make(
    "tr",
    {},
    make("td", { class: "graph" }, graph[0]),
    make("th", { scope: "row" }, "image"),
    make("td", { class: "shape" }, shapeText(image)),
    make("td"),
    make("td", { class: "wide" }),
    make("td", { class: "wide" }, "1"),
  );
  return [
    first,
    ...layers.map((layer, i) => {
      const { row, problem } = outcomes[i];
      const input = outcomes[(layer.from ?? [i - 1])[0]]?.row?.shape[0];
      const name = make(
        "th",
        { scope: "row" },
        make("span", { class: "code" }, title(layer, layer.in ?? input ?? image[0])),
      );
      if (layer.name) name.append(make("span", { class: "path" }, layer.name));
      if (problem) name.append(make("span", { class: "problem" }, `${problem}.`));
      const line = make("tr", problem ? { class: "broken" } : {}, make("td", { class: "graph" }, graph[i + 1]), name);
      line.append(
        make("td", { class: "shape" }, row ? shapeText(row.shape) : ""),
        make("td", {}, row?.parameters ? grouped(row.parameters) : ""),
        make("td", { class: "wide" }, row?.multiplyAdds ? grouped(row.multiplyAdds) : ""),
        make("td", { class: "wide" }, row ? fieldText(row) : ""),
      );
      return line;
    }),
  ];
}

/** @param {Layer} layer @param {number} input */
function title(layer, input) {
  return layer.kind === "Add" ? "+ shortcut" : layerCode(layer, input).replace("nn.", "");
}

/**
 * One drawing a row, the image's first: nodes, and lines to what they see. A layer that does not see the one before it
 * stands in the second lane, and so does a line that passes layers of the first.
 * @param {Layer[]} layers @returns {SVGElement[]}
 */
function drawGraph(layers) {
  // Positions with the image at 0.
  const inputs = [[], ...layers.map(({ from }, i) => (from ?? [i - 1]).map((at) => at + 1))];
  /** @type {number[]} */
  const lane = [];
  inputs.forEach((from, i) => {
    const shortcut = from.length === 1 && from[0] !== i - 1;
    lane.push(shortcut || (from.length === 1 && lane[from[0]] === 1 && from[0] === i - 1) ? 1 : 0);
  });
  const drawings = inputs.map(() =>
    makeSvg("svg", { viewBox: "0 0 36 32", preserveAspectRatio: "none", "aria-hidden": "true" }),
  );
  const path = (/** @type {number} */ at, /** @type {string} */ d) => drawings[at].append(makeSvg("path", { d }));
  inputs.forEach((from, to) => {
    for (const source of from) {
      const between = lane.slice(source + 1, to);
      const via = between.length === 0 ? lane[source] : between[0] === 0 ? 1 : 0;
      const [x0, x, x1] = [LANES[lane[source]], LANES[via], LANES[lane[to]]];
      path(source, x0 === x ? `M${x} 16V32` : `M${x0} 16C${x0} 26 ${x} 20 ${x} 32`);
      for (let at = source + 1; at < to; at += 1) path(at, `M${x} 0V32`);
      path(to, x1 === x ? `M${x} 0V16` : `M${x} 0C${x} 12 ${x1} 6 ${x1} 16`);
    }
  });
  drawings.forEach((svg, i) => {
    const look = i > 0 && weighs(layers[i - 1]) ? "node weights" : "node";
    // A point with round ends stays round however the row is stretched.
    svg.append(makeSvg("path", { d: `M${LANES[lane[i]]} 16h0.001`, class: look }));
  });
  return drawings;
}

/** @param {Layer} layer */
function weighs({ kind }) {
  return kind === "Conv2d" || kind === "Linear";
}

/**
 * Blocks of equal shape from left to right: height tells the size of the maps, width how many layers work on them.
 * @param {Outcome[]} outcomes @param {number[]} image @returns {SVGElement}
 */
export function silhouette(outcomes, image) {
  /** @type {{shape: number[], layers: number}[]} */
  const blocks = [{ shape: image, layers: 1 }];
  for (const { row } of outcomes) {
    if (!row) continue;
    const last = /** @type {{shape: number[], layers: number}} */ (blocks.at(-1));
    if (String(last.shape) === String(row.shape)) last.layers += 1;
    else blocks.push({ shape: row.shape, layers: 1 });
  }
  const width = (/** @type {number} */ layers) => 30 + 9 * Math.sqrt(layers);
  const height = (/** @type {number[]} */ shape) =>
    4 + 16 * Math.log2(shape.length === 3 ? Math.max(shape[1], shape[2]) : 1);
  const gap = 14;
  const all = blocks.reduce((sum, { layers }) => sum + width(layers) + gap, 0);
  const tall = Math.max(...blocks.map(({ shape }) => height(shape)));
  const svg = makeSvg("svg", {
    viewBox: `0 0 ${Math.max(all, 1000)} ${tall + 44}`,
    preserveAspectRatio: "xMinYMid meet",
    role: "img",
    class: "silhouette",
  });
  svg.setAttribute("aria-label", `From left to right: ${blocks.map(({ shape }) => shape.join(" by ")).join(", ")}`);
  let x = 0;
  for (const { shape, layers } of blocks) {
    const maps = shape.length === 3;
    const box = { x, y: (tall - height(shape)) / 2, width: width(layers), height: height(shape) };
    const tip = makeSvg("title", {}, `${shapeText(shape)}, ${counted(layers, "layer")}`);
    const middle = x + width(layers) / 2;
    svg.append(
      makeSvg("rect", { ...box, class: maps ? "maps" : "vector" }, tip),
      makeSvg("text", { x: middle, y: tall + 20, class: "channels" }, String(shape[0])),
      makeSvg("text", { x: middle, y: tall + 37 }, maps ? `${shape[1]}²` : ""),
    );
    x += width(layers) + gap;
  }
  return svg;
}
