/** How a training went: loss and accuracy by epoch, one below the other, with one moment marked in both. */

import { Curves } from "./curves.js";
import { fixed, percent } from "./numbers.js";

/** @typedef {{epoch: number, train_loss: number | null, val_loss: number | null, val_accuracy: number | null}} Epoch */

export class LearningCurves {
  /**
   * @param {HTMLElement} loss @param {HTMLElement} accuracy @param {(epoch: number) => void} onEpoch it was pointed at
   */
  constructor(loss, accuracy, onEpoch) {
    this.loss = new Curves(loss, "Loss", { limits: [0, Infinity], text: (value) => fixed(value, 2), onEpoch });
    const limits = /** @type {[number, number]} */ ([0, 1]);
    this.accuracy = new Curves(accuracy, "Validation images recognised", { limits, text: percent, onEpoch });
  }

  /** @param {Epoch[]} history @param {number} epoch the marked one @param {string} [name] of the accuracy's curve */
  draw(history, epoch, name = "") {
    const points = (/** @type {"train_loss" | "val_loss" | "val_accuracy"} */ key) =>
      history.flatMap((record) => {
        const value = record[key];
        return value !== null && Number.isFinite(value)
          ? [/** @type {[number, number]} */ ([record.epoch, value])]
          : [];
      });
    const curves = [
      { name: "training", tone: "quiet", points: points("train_loss") },
      { name: "validation", tone: "accent", points: points("val_loss") },
    ];
    this.loss.draw(curves, epoch);
    this.accuracy.draw([{ name, tone: "accent", points: points("val_accuracy") }], epoch);
  }
}
