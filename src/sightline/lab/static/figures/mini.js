/** A convolution to touch, without controls but play: for lessons and the first page. */

import { step } from "../shared/convolution.js";
import { FILTERS, makeInput } from "../shared/filters.js";
import { decimal, factor } from "../shared/numbers.js";
import { make, still } from "../shared/page.js";
import { Stage } from "../shared/stage.js";
import { compute, defaults, liveliest } from "../shared/state.js";

export class MiniConvolution {
  /**
   * @param {HTMLElement} place @param {{input: string, filter: string, plays?: boolean}} what plays: from the beginning
   */
  constructor(place, { input, filter, plays = false }) {
    const { weights, divisor, name } = FILTERS[filter];
    this.state = { ...defaults(), input, pixels: makeInput(input, 8, 8), filter, weights, divisor };
    this.result = compute(this.state);
    const parts = {
      input: make("div"),
      output: make("div"),
      inputLegend: make("div", { class: "legend" }),
      outputLegend: make("div", { class: "legend" }),
    };
    this.equation = make("p", { class: "equation" });
    this.button = make("button", { type: "button", class: "button" }, "Play");
    this.button.addEventListener("click", () => (this.timer ? this.pause() : this.play()));
    place.append(
      make(
        "div",
        { class: "stage" },
        make(
          "div",
          { class: "panel" },
          make("p", { class: "caption" }, make("b", {}, "Image")),
          parts.input,
          parts.inputLegend,
        ),
        make(
          "div",
          { class: "panel" },
          make("p", { class: "caption" }, make("b", {}, "Feature map"), ` of the ${name} filter`),
          parts.output,
          parts.outputLegend,
        ),
      ),
      this.equation,
      make("p", { class: "row" }, this.button),
    );
    this.timer = 0;
    this.count = this.result.output.flat().length;
    this.shown = this.count;
    /** @type {[number, number]} */
    this.at = liveliest(this.result.output);
    /** @type {import("../shared/stage.js").Focus} */
    this.focus = { output: null, pixel: null };
    this.stage = new Stage(parts, {
      onFocus: (focus) => {
        this.focus = focus;
        this.light();
      },
    });
    this.draw();
    if (plays && !still.matches) this.play();
  }

  draw() {
    this.stage.draw(this.state, this.result, this.shown);
    this.light();
  }

  light() {
    const at = this.focus.output ?? this.at;
    this.stage.light(this.focus, at);
    const { patch, sum } = step(this.state.pixels, this.state.weights, this.result.plan, at[0], at[1]);
    const terms = patch
      .flatMap((line, r) => line.map((value, c) => [value, this.state.weights[r][c]]))
      .filter(([, weight]) => weight !== 0);
    const products = terms.map(([value, weight]) => `${value}·${factor(weight)}`);
    this.equation.textContent = `${products.join(" + ")} = ${decimal(sum)}`;
  }

  play() {
    let index = this.shown === this.count ? -1 : this.shown - 1;
    const columns = this.result.plan.columns.outputs;
    this.button.textContent = "Pause";
    this.timer = setInterval(() => {
      index += 1;
      this.at = [Math.floor(index / columns), index % columns];
      this.shown = index + 1;
      this.draw();
      if (this.shown === this.count) this.pause();
    }, 300);
  }

  pause() {
    clearInterval(this.timer);
    this.timer = 0;
    this.button.textContent = this.shown === this.count ? "Play again" : "Go on";
  }
}
