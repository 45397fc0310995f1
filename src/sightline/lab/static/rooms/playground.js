/** The convolution playground: joins the state, the stage, the operation, the controls and the animation. */

import { darkMode } from "../shared/colors.js";
import { ShapeError, replaced } from "../shared/convolution.js";
import { byId } from "../shared/page.js";
import { Problem } from "../shared/problem.js";
import { Stage } from "../shared/stage.js";
import { compute, fromAddress, liveliest, toAddress } from "../shared/state.js";
import { Controls } from "./playground/controls.js";
import { finding } from "./playground/finding.js";
import { Operation } from "./playground/operation.js";
import { Player } from "./playground/player.js";
import { Prediction } from "./playground/prediction.js";

/** @typedef {import("../shared/state.js").State} State */
/** @typedef {import("../shared/stage.js").Focus} Focus */
/** @typedef {import("../shared/stage.js").Place} Place */

const ANSWER = ["output", "output-legend", "operation", "transport"]; // what would give it away
const PATIENCE = 200; // milliseconds: browsers refuse more than some hundred changes of the address a minute

class Playground {
  constructor() {
    this.state = fromAddress(location.hash.slice(1));
    /** @type {import("../shared/state.js").Result | null} */
    this.result = null;
    /** @type {Focus} */
    this.focus = { output: null, pixel: null };
    /** @type {Place} the output where the window rests */
    this.at = [0, 0];
    this.guessed = false;
    this.remembering = 0;
    this.finding = byId("finding", HTMLElement);
    this.problem = new Problem(byId("problem", HTMLElement));
    this.stage = this.makeStage();
    this.operation = new Operation((row, column, weight) => this.edit(row, column, weight));
    this.prediction = new Prediction(() => {
      this.guessed = true;
      this.drawStage();
      this.player.restart();
    });
    this.player = new Player({
      onMove: (index) => this.moveTo(index),
      onRest: () => this.remember(),
    });
    this.controls = new Controls(
      (some) => this.change(some),
      () => this.state,
    );
    addEventListener("hashchange", () => {
      this.state = fromAddress(location.hash.slice(1));
      this.change({ at: this.state.at });
    });
    darkMode.addEventListener("change", () => {
      this.operation.drawWeights(this.state);
      this.drawPrediction();
      this.drawFocus();
    });
    this.change({ at: this.state.at });
  }

  makeStage() {
    const parts = {
      input: byId("input", HTMLElement),
      output: byId("output", HTMLElement),
      inputLegend: byId("input-legend", HTMLElement),
      outputLegend: byId("output-legend", HTMLElement),
    };
    return new Stage(parts, {
      onFocus: (focus) => {
        this.focus = focus;
        this.drawFocus();
      },
      onPress: (pixel) => {
        if (this.controls.painting) this.paint(pixel, this.controls.brush);
      },
      onKey: (pixel, key) => /^\d$/.test(key) && this.paint(pixel, Number(key)),
      onChoose: ([row, column]) => this.player.go(row * this.columns + column),
    });
  }

  /** Of the output. */
  get columns() {
    return this.result ? this.result.plan.columns.outputs : 1;
  }

  /** Change some of the state; all that follows from it is computed and drawn anew. @param {Partial<State>} some */
  change(some) {
    this.state = { ...this.state, at: null, ...some };
    this.guessed = false;
    this.result = this.computed();
    this.controls.draw(this.state, this.result);
    this.operation.drawWeights(this.state);
    if (this.result) {
      const { output } = this.result;
      const fits = (/** @type {Place | null} */ place) => place && output[place[0]]?.[place[1]] !== undefined;
      const edited = some.filter === "own" || some.input === "own"; // by hand: stay where the reader looks
      const place = fits(this.state.at) ? this.state.at : edited && fits(this.at) ? this.at : null;
      this.at = place ?? liveliest(output);
      this.problem.clear();
      this.player.reset(output.length * output[0].length, this.at[0] * this.columns + this.at[1]);
      this.drawPrediction();
      this.drawStage();
    }
    this.remember();
  }

  /** What follows from the state; null where no window fits, which is told. */
  computed() {
    try {
      return compute(this.state);
    } catch (error) {
      if (!(error instanceof ShapeError)) throw error;
      this.player.pause();
      this.stage.drawInput(this.state, null);
      this.problem.tell(`There is no output: ${error.message}.`);
      this.prediction.hide();
      for (const id of ANSWER) byId(id, HTMLElement).hidden = true;
      this.finding.textContent = "The window is larger than the image it should slide over.";
      return null;
    }
  }

  /** The window came to an output. @param {number} index */
  moveTo(index) {
    this.at = [Math.floor(index / this.columns), index % this.columns];
    this.focus = { output: null, pixel: null };
    this.state = { ...this.state, at: this.at };
    this.drawStage();
  }

  drawStage() {
    if (!this.result) return;
    const secret = this.state.predict && !this.guessed;
    for (const id of ANSWER) byId(id, HTMLElement).hidden = secret;
    this.stage.draw(this.state, this.result, this.player.shown);
    this.finding.textContent = secret
      ? "Look at the input and the filter, then choose what will come out."
      : finding(this.state, this.result);
    this.drawFocus();
  }

  drawFocus() {
    if (!this.result) return;
    const { output, pixel } = this.focus;
    const { rows, columns } = this.result.plan;
    const pointed = output && output[0] < rows.outputs && output[1] < columns.outputs ? output : this.at;
    this.stage.light(this.focus, pointed);
    this.operation.draw(this.state, this.result, pointed);
    if (pixel) this.operation.drawPixel(this.state, this.result, pixel);
  }

  drawPrediction() {
    if (this.state.predict && this.result) this.prediction.ask(this.state);
    else this.prediction.hide();
  }

  /** @param {number} row @param {number} column @param {number} weight not a number: show the one that counts */
  edit(row, column, weight) {
    const { weights } = this.state;
    if (Number.isNaN(weight)) this.operation.drawWeights(this.state);
    else if (weight !== weights[row][column]) {
      this.change({ weights: replaced(weights, row, column, weight), filter: "own" });
    }
  }

  /** @param {Place} pixel @param {number} value @returns {boolean} whether it is one of the image */
  paint([row, column], value) {
    const { pixels } = this.state;
    if (pixels[row]?.[column] === undefined) return false;
    if (pixels[row][column] !== value) {
      this.change({ pixels: replaced(pixels, row, column, value), input: "own" });
      this.focus = { output: null, pixel: [row, column] };
      this.drawFocus();
    }
    return true;
  }

  remember() {
    clearTimeout(this.remembering);
    this.remembering = setTimeout(() => {
      const words = toAddress({ ...this.state, at: this.state.at && this.at });
      history.replaceState(null, "", words ? `#${words}` : location.pathname + location.search);
    }, PATIENCE);
  }
}

new Playground();
