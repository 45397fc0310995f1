/** A training while it runs: what it says, how it gets on, and how it ended. */

import { Curves } from "../../shared/curves.js";
import { counted, percent } from "../../shared/numbers.js";
import { byId } from "../../shared/page.js";
import { splitInWords } from "./class.js";

/**
 * @typedef {{running: boolean, lines: string[], outcome: string, run: string, result?: string,
 *   epochs: [number, number | null][], counts: Record<string, number>}} Training
 *  outcome: "done", or why it ended. epochs: with the share of validation pictures that were recognised.
 */

export class TrainingView {
  constructor() {
    this.said = byId("said", HTMLElement);
    this.chart = byId("epochs", HTMLElement);
    this.curves = new Curves(this.chart, "Validation pictures recognised", {
      limits: [0, 1],
      text: (share) => percent(share, 0),
      onEpoch: () => {},
    });
    this.chart.hidden = true;
  }

  /** @param {Training | null} training @returns {string} how it stands; empty where there is nothing to say */
  draw(training) {
    byId("stop", HTMLButtonElement).hidden = !training?.running;
    this.said.hidden = !training;
    if (!training) return "";
    this.said.textContent = training.lines.join("\n");
    this.said.scrollTop = this.said.scrollHeight;
    const split = splitInWords((one) => training.counts[one]);
    byId("counts", HTMLElement).textContent = split
      ? `The split: ${split}. Nothing is trained on validation and test pictures.`
      : "";
    this.drawEpochs(training.epochs);
    if (!training.running) return training.outcome === "done" ? "" : training.outcome;
    return training.epochs.length
      ? `Training: ${counted(training.epochs.length, "epoch")} so far.`
      : "Training: reading the pictures …";
  }

  /** @param {Training["epochs"]} epochs */
  drawEpochs(epochs) {
    const points = /** @type {[number, number][]} */ (epochs.filter(([, share]) => share !== null));
    this.chart.hidden = points.length < 2;
    this.curves.draw([{ name: "", tone: "accent", points }], points.at(-1)?.[0] ?? 1);
  }
}
