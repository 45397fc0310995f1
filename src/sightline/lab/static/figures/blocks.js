/** Figures about blocks and networks: stacks of small filters, convolutions taken apart, networks over the years. */

import { countBars } from "../shared/bars.js";
import { fixed, grouped } from "../shared/numbers.js";
import { make, makeSvg } from "../shared/page.js";
import { sliders } from "./sliders.js";

/** k layers of 3 x 3 beside one filter that sees as much. @param {HTMLElement} place */
export function stack(place) {
  const draw = countBars(place, ["small filters", "one large filter"]);
  const words = make("p", { class: "equation", role: "status" });
  place.append(words);
  sliders(
    place,
    {
      layers: { label: "layers of 3 × 3", min: 1, max: 6, value: 3 },
      channels: { label: "channels", min: 1, max: 512, value: 64 },
    },
    ({ layers, channels }) => {
      const side = 2 * layers + 1;
      const [small, large] = [layers * 9 * channels ** 2, side ** 2 * channels ** 2];
      draw([small, large], [`${layers} × 3 × 3`, `${side} × ${side}`]);
      words.textContent =
        `Both see ${side} × ${side} pixels: 1 + ${layers} · 2. Weights: ` +
        `${layers} · 9 · ${channels}² = ${grouped(small)} against ${side * side} · ${channels}² = ${grouped(large)}`;
    },
  );
}

/** An ordinary convolution beside depthwise and pointwise. @param {HTMLElement} place */
export function separable(place) {
  const draw = countBars(place, ["ordinary", "depthwise + pointwise"]);
  const words = make("p", { class: "equation", role: "status" });
  place.append(words);
  sliders(
    place,
    {
      kernel: { label: "kernel", min: 1, max: 7, step: 2, value: 3 },
      input: { label: "channels in", min: 1, max: 512, value: 128 },
      output: { label: "channels out", min: 1, max: 512, value: 128 },
    },
    ({ kernel, input, output }) => {
      const [ordinary, depthwise, pointwise] = [kernel ** 2 * input * output, kernel ** 2 * input, input * output];
      const apart = depthwise + pointwise;
      draw([ordinary, apart]);
      words.textContent =
        `${kernel}² · ${input} · ${output} = ${grouped(ordinary)} against ` +
        `${kernel}² · ${input} + ${input} · ${output} = ${grouped(apart)}: ${fixed(ordinary / apart, 1)} times`;
    },
  );
}

/**
 * @typedef {{name: string, year: number, millions: number, brought: string, source: string, lift?: number}} Landmark
 *   lift: of its name, so that names do not meet
 */

// Parameters as `sightline summary` and timm count them, in millions. tests/lab/test_figures.py compares them.
/** @type {Landmark[]} */
export const LANDMARKS = [
  {
    name: "LeNet-5",
    year: 1998,
    millions: 0.061706,
    brought: "convolution, pooling, dense layers, all learnt together",
    source: "LeCun et al., Proceedings of the IEEE 86",
  },
  {
    name: "AlexNet",
    year: 2012,
    millions: 61.10084,
    brought: "ReLU, dropout, GPUs, and the size to win ImageNet",
    source: "Krizhevsky et al., NIPS 2012",
  },
  {
    name: "VGG-16",
    year: 2014,
    millions: 138.357544,
    brought: "nothing but 3 × 3, and depth",
    source: "Simonyan and Zisserman, arXiv 1409.1556",
  },
  {
    name: "Inception-v3",
    year: 2015,
    millions: 23.834568,
    brought: "filters of several sizes side by side, 1 × 1 before the expensive ones",
    source: "Szegedy et al., arXiv 1512.00567",
    lift: -6,
  },
  {
    name: "ResNet-18",
    year: 2015,
    millions: 11.689512,
    brought: "shortcuts: x + F(x)",
    source: "He et al., arXiv 1512.03385",
    lift: 6,
  },
  {
    name: "MobileNetV2",
    year: 2018,
    millions: 3.504872,
    brought: "convolutions taken apart, shortcuts between thin layers",
    source: "Sandler et al., arXiv 1801.04381",
    lift: 14,
  },
  {
    name: "EfficientNet-B0",
    year: 2019,
    millions: 5.288548,
    brought: "depth, width and image size grown together",
    source: "Tan and Le, arXiv 1905.11946",
    lift: -8,
  },
];

const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT] = [640, 280, 64, 32, 24, 88];

/** Networks by year and parameters. @param {HTMLElement} place */
export function timeline(place) {
  // Hidden because the buttons below say the same.
  const svg = makeSvg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "timeline", "aria-hidden": "true" });
  const words = make("p", { role: "status" });
  const choose = make("div", { class: "chips", role: "group", "aria-label": "Networks" });
  place.append(svg, choose, words);
  const x = (/** @type {number} */ year) => LEFT + ((year - 1998) / 21) * (WIDTH - LEFT - RIGHT);
  const y = (/** @type {number} */ millions) => TOP + ((3 - Math.log10(millions)) / 5) * (HEIGHT - TOP - BOTTOM);
  const add = (/** @type {string} */ name, /** @type {Record<string, string | number>} */ attributes, text = "") => {
    const made = makeSvg(name, attributes, text);
    svg.append(made);
    return made;
  };
  for (const [millions, name] of /** @type {[number, string][]} */ ([
    [0.01, "10,000"],
    [1, "1 million"],
    [100, "100 million"],
  ])) {
    add("path", { d: `M${LEFT} ${y(millions)}H${WIDTH - RIGHT}`, class: "rule" });
    add("text", { x: LEFT - 8, y: y(millions) + 4, class: "end" }, name.replace(" million", " M"));
  }
  for (const year of [1998, 2005, 2012, 2019])
    add("text", { x: x(year), y: HEIGHT - 8, class: "middle" }, String(year));
  const dots = LANDMARKS.map(({ name, year, millions, lift = 0 }, i) => {
    const dot = add("circle", { cx: x(year), cy: y(millions), r: 6, class: "dot" });
    add(
      "text",
      { x: x(year) + (i === 1 ? -10 : 10), y: y(millions) + 4 + lift, class: i === 1 ? "name end" : "name" },
      name,
    );
    dot.addEventListener("click", () => pick(i));
    return dot;
  });
  const buttons = LANDMARKS.map(({ name }, i) => {
    const button = make("button", { type: "button", "aria-pressed": "false" }, name);
    button.addEventListener("click", () => pick(i));
    return button;
  });
  choose.append(...buttons);
  const pick = (/** @type {number} */ chosen) => {
    buttons.forEach((button, i) => button.setAttribute("aria-pressed", String(i === chosen)));
    dots.forEach((dot, i) => dot.classList.toggle("now", i === chosen));
    const { name, year, millions, brought, source } = LANDMARKS[chosen];
    words.replaceChildren(
      make("b", {}, `${name}, ${year}`),
      `: ${brought}. ${grouped(Math.round(millions * 1e6))} parameters. `,
      make("span", { class: "path" }, source),
    );
  };
  pick(4);
}
