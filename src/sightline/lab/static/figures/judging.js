/** Figures about transfer and judging: what is frozen, an accuracy's interval, and a threshold. */

import { range } from "../shared/convolution.js";
import { fixed, grouped, percent, power, precise } from "../shared/numbers.js";
import { make } from "../shared/page.js";
import { random } from "./fitting.js";
import { sliders } from "./sliders.js";

// ResNet-18's parts and their parameters with a head of five classes; tests/lab/test_figures.py counts them anew.
/** @type {[string, number][]} */
export const RESNET18 = [
  ["stem", 9536],
  ["layer1", 147968],
  ["layer2", 525568],
  ["layer3", 2099712],
  ["layer4", 8393728],
  ["head", 2565],
];
const HEAD_RATE = 1e-3;

/** Which parts of a ResNet-18 learn, and how fast. @param {HTMLElement} place */
export function freezing(place) {
  const row = make("div", { class: "parts" });
  const words = make("p", { class: "equation", role: "status" });
  place.append(row, words);
  const largest = Math.max(...RESNET18.map(([, count]) => count));
  const parts = RESNET18.map(([name, count]) => {
    const bar = make("span", { class: "part-bar" });
    bar.style.setProperty("height", `${24 + (100 * Math.log10(count / 1000)) / Math.log10(largest / 1000)}px`);
    const rate = make("span", { class: "rate" });
    const part = make(
      "div",
      { class: "part" },
      bar,
      make("b", {}, name),
      make("span", { class: "path" }, grouped(count)),
      rate,
    );
    row.append(part);
    return { part, rate };
  });
  sliders(
    place,
    {
      unfrozen: { label: "parts below the head that learn", min: 0, max: 5, value: 1 },
      slower: { label: "each part slower by", min: 1, max: 10, value: 3, text: (value) => `${value} times` },
    },
    ({ unfrozen, slower }) => {
      let learning = 0;
      parts.forEach(({ part, rate }, i) => {
        const below = RESNET18.length - 1 - i; // 0 is the head
        const learns = below <= unfrozen;
        part.classList.toggle("frozen", !learns);
        const step = below === 0 ? HEAD_RATE : HEAD_RATE / 10 / slower ** (below - 1);
        rate.textContent = learns ? power(step) : "frozen";
        if (learns) learning += RESNET18[i][1];
      });
      const all = RESNET18.reduce((sum, [, count]) => sum + count, 0);
      const means = unfrozen
        ? "The uppermost part below the head learns ten times slower than the head."
        : "The backbone runs once over every photo: feature extraction.";
      const share = precise((100 * learning) / all, 3);
      words.textContent = `${grouped(learning)} of ${grouped(all)} parameters learn (${share} %). ${means}`;
    },
  );
}

const Z = 1.959963984540054;

/**
 * Wilson's 95 % interval of a proportion (JASA 22, 1927).
 * @param {number} right @param {number} of @returns {[number, number]}
 */
export function wilson(right, of) {
  const p = right / of;
  const scale = 1 + Z ** 2 / of;
  const centre = (p + Z ** 2 / (2 * of)) / scale;
  const margin = (Z / scale) * Math.sqrt((p * (1 - p)) / of + Z ** 2 / (4 * of ** 2));
  return [Math.max(0, centre - margin), Math.min(1, centre + margin)];
}

/** An accuracy and its interval on a line from 0 to 100 %. @param {HTMLElement} place */
export function interval(place) {
  const dot = make("span", { class: "interval-dot" });
  const bar = make("span", { class: "interval-bar" });
  const words = make("p", { class: "big-formula", role: "status" });
  place.append(
    make("div", { class: "interval-line" }, bar, dot),
    make(
      "div",
      { class: "interval-ends", "aria-hidden": "true" },
      make("span", {}, "0 %"),
      make("span", {}, "50"),
      make("span", {}, "100 %"),
    ),
    words,
  );
  const images = (/** @type {number} */ power) => Math.round(10 ** power);
  sliders(
    place,
    {
      share: { label: "recognised", min: 0, max: 100, value: 94, text: (value) => `${value} %` },
      power: { label: "test images", min: 1, max: 5, step: 0.05, value: 2, text: (value) => grouped(images(value)) },
    },
    ({ share, power }) => {
      const of = images(power);
      const right = Math.round((of * share) / 100);
      const [low, high] = wilson(right, of);
      dot.style.setProperty("left", `${(100 * right) / of}%`);
      bar.style.setProperty("left", `${100 * low}%`);
      bar.style.setProperty("width", `${100 * (high - low)}%`);
      const digits = high - low < 0.02 ? 2 : 1;
      words.replaceChildren(
        `${grouped(right)} of ${grouped(of)}: `,
        make("b", {}, `${fixed(100 * low, digits)} to ${percent(high, digits)}`),
      );
    },
  );
}

/** Scores of images, of the class and not, that are always the same. */
export const SCORED = (() => {
  const next = random(3);
  const bell = () => next() + next() + next() - 1.5; // about normal, from -1.5 to 1.5
  return range(40).map((i) => ({
    truly: i < 20,
    score: Math.max(0.01, Math.min(0.99, (i < 20 ? 0.63 : 0.38) + 0.3 * bell())),
  }));
})();

/** Counts of what a threshold calls positive. @param {number} at */
export function counts(at) {
  const called = SCORED.filter(({ score }) => score >= at);
  const hits = called.filter(({ truly }) => truly).length;
  const there = SCORED.filter(({ truly }) => truly).length;
  return {
    hits,
    alarms: called.length - hits,
    misses: there - hits,
    rest: SCORED.length - there - (called.length - hits),
  };
}

/** A threshold on scores: the two-by-two table, precision, recall, F1. @param {HTMLElement} place */
export function threshold(place) {
  const dots = make("div", { class: "scores", role: "img" });
  const line = make("span", { class: "score-line" });
  dots.append(
    ...SCORED.map(({ truly, score }, i) => {
      const dot = make("span", { class: truly ? "score truly" : "score" });
      dot.style.setProperty("left", `${100 * score}%`);
      dot.style.setProperty("top", `${truly ? 8 + (i % 4) * 9 : 56 + (i % 4) * 9}px`);
      return dot;
    }),
    line,
  );
  const table = make("table", { class: "plain-table" });
  const words = make("p", { class: "equation", role: "status" });
  place.append(
    dots,
    make("p", { class: "hint" }, "Above: 20 images that are cats, by their score for cat. Below: 20 that are not."),
    table,
    words,
  );
  sliders(
    place,
    { at: { label: "threshold", min: 0, max: 1, step: 0.01, value: 0.5, text: (value) => fixed(value, 2) } },
    ({ at }) => {
      line.style.setProperty("left", `${100 * at}%`);
      const { hits, alarms, misses, rest } = counts(at);
      const cell = (/** @type {string} */ text) => make("td", {}, text);
      const head = (/** @type {string} */ text, scope = "col") => make("th", { scope }, text);
      table.replaceChildren(
        make("thead", {}, make("tr", {}, head(""), head("called cat"), head("not called cat"))),
        make(
          "tbody",
          {},
          make("tr", {}, head("cat", "row"), cell(String(hits)), cell(String(misses))),
          make("tr", {}, head("no cat", "row"), cell(String(alarms)), cell(String(rest))),
        ),
      );
      const share = (/** @type {number} */ part, /** @type {number} */ of) => (of ? fixed(part / of, 2) : "undefined");
      words.textContent = [
        `precision ${hits}/${hits + alarms} = ${share(hits, hits + alarms)}`,
        `recall ${hits}/${hits + misses} = ${share(hits, hits + misses)}`,
        `F1 ${share(2 * hits, 2 * hits + alarms + misses)}`,
        `accuracy ${share(hits + rest, SCORED.length)}`,
      ].join(", ");
      dots.setAttribute(
        "aria-label",
        `40 scores with a threshold at ${fixed(at, 2)}: ${hits} cats found, ${misses} missed, ${alarms} false alarms`,
      );
    },
  );
}
