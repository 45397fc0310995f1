/** Which filter: one with a name, one of one's own, or one that a network learnt; and how its answer is shown. */

import { replaced } from "../../shared/convolution.js";
import { FILTERS, sumMeaning } from "../../shared/filters.js";
import { drawKernels, reachOf } from "../../shared/kernels.js";
import { decimal, typedWeight } from "../../shared/numbers.js";
import { byId, make } from "../../shared/page.js";
import { check, radios } from "../../shared/radios.js";
import { named, sized, weightSum } from "./settings.js";

/** @typedef {import("./settings.js").Settings} Settings */
/** @typedef {import("./filtered.js").Learnt} Learnt */

export class Choice {
  /** @param {() => Settings} current @param {(some: Partial<Settings>) => void} change */
  constructor(current, change) {
    this.current = current;
    this.change = change;
    /** @type {Learnt | null} */
    this.learnt = null;
    /** @type {HTMLButtonElement[]} */
    this.learntButtons = [];
    const names = Object.fromEntries(Object.entries(FILTERS).map(([key, { name }]) => [key, name]));
    this.chips = radios("chosen", { ...names, own: "your own" }, (key) => this.choose(key));
    const size = byId("size", HTMLSelectElement);
    size.addEventListener("change", () => change(sized(current(), Number(size.value))));
    for (const name of /** @type {const} */ (["relu", "absolute"])) {
      const box = byId(name, HTMLInputElement);
      box.addEventListener("change", () => change({ [name]: box.checked }));
    }
  }

  /** @param {string} filter */
  choose(filter) {
    this.change(filter === "own" ? { filter, learnt: -1 } : named(filter, this.current().size));
  }

  /** Filters of a network can be chosen as well. @param {Learnt} learnt */
  offer(learnt) {
    const { layer, network, values } = learnt;
    this.learnt = learnt;
    this.learntButtons = values.map((_, i) => {
      const attributes = { type: "button", "aria-pressed": "false", "aria-label": `Filter ${i + 1}` };
      const button = make("button", attributes, make("canvas", { "aria-hidden": "true" }));
      button.addEventListener("click", () => this.change({ learnt: i }));
      return button;
    });
    byId("learnt", HTMLElement).replaceChildren(...this.learntButtons);
    const sees = values[0].length === 3 ? ", which sees red, green and blue, one below the other" : "";
    byId("learnt-words", HTMLElement).textContent = `${layer} of ${network}${sees}.`;
    byId("learnt-place", HTMLElement).hidden = false;
    this.drawLearnt();
  }

  drawLearnt() {
    if (!this.learnt) return;
    const { values } = this.learnt;
    const reach = reachOf(values);
    this.learntButtons.forEach((button, i) =>
      drawKernels(/** @type {HTMLCanvasElement} */ (button.firstElementChild), [values[i]], reach),
    );
  }

  draw() {
    const settings = this.current();
    const { filter, size, learnt, relu, absolute } = settings;
    check(this.chips, learnt >= 0 ? "" : filter);
    byId("purpose", HTMLElement).textContent = this.purpose(settings);
    byId("size", HTMLSelectElement).value = String(size);
    byId("weight-sum", HTMLElement).textContent = learnt >= 0 ? "" : sumInWords(settings);
    byId("relu", HTMLInputElement).checked = relu;
    byId("absolute", HTMLInputElement).checked = absolute;
    this.learntButtons.forEach((button, i) => button.setAttribute("aria-pressed", String(i === learnt)));
    this.drawWeights(settings);
  }

  /** @param {Settings} settings */
  purpose({ filter, learnt }) {
    if (learnt < 0 || !this.learnt) return FILTERS[filter]?.purpose ?? "A filter of your own.";
    const { layer, network } = this.learnt;
    return `Filter ${learnt + 1} of ${layer}: nobody wrote it; ${network} has it from its training images.`;
  }

  /** Cells that can be edited. @param {Settings} settings */
  drawWeights({ size, weights, learnt }) {
    const place = byId("weights", HTMLElement);
    place.hidden = learnt >= 0;
    place.style.setProperty("--columns", String(size));
    place.style.setProperty("--digits", "4");
    place.replaceChildren(...weights.flatMap((row, r) => row.map((weight, c) => this.cell(weight, r, c))));
  }

  /** @param {number} weight @param {number} r @param {number} c */
  cell(weight, r, c) {
    const name = `Weight, row ${r + 1}, column ${c + 1}`;
    const value = decimal(weight);
    const cell = make("input", { class: "cell", type: "text", inputmode: "decimal", value, "aria-label": name });
    cell.addEventListener("change", () => {
      const typed = typedWeight(cell.value);
      cell.value = decimal(typed ?? weight);
      if (typed === null) return;
      this.change({ filter: "own", learnt: -1, weights: replaced(this.current().weights, r, c, typed) });
    });
    return cell;
  }
}

/** @param {Settings} settings */
function sumInWords(settings) {
  const sum = weightSum(settings);
  const divided = settings.divisor === 1 ? "" : `Divided by ${decimal(settings.divisor)}. `;
  return `${divided}The weights sum to ${decimal(sum)}. ${sumMeaning(sum)}`;
}
