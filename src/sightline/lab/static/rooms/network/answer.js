/** What the network says of a picture: the most probable classes as bars, and one sentence. */

import { Bar } from "../../shared/bars.js";
import { percent } from "../../shared/numbers.js";
import { byId, make } from "../../shared/page.js";

/** @typedef {{top: [string, number][], unknown: boolean}} Prediction top: classes and probabilities, largest first */

const SHOWN = 6; // classes

/** @param {string} network @param {Prediction} prediction @param {string | null} truth */
export function drawAnswer(network, prediction, truth) {
  const bars = prediction.top
    .slice(0, SHOWN)
    .map(([label, probability]) =>
      new Bar(label, label === truth ? "answer-row true" : "answer-row").show(probability, percent(probability)),
    );
  const warning = make(
    "p",
    { class: "unknown" },
    make("b", {}, "unknown"),
    " unlike the training pictures; if it had to choose:",
  );
  byId("answer", HTMLElement).replaceChildren(...(prediction.unknown ? [warning] : []), ...bars);
  byId("finding", HTMLElement).textContent = sentence(network, prediction, truth);
}

/** @param {string} network @param {Prediction} prediction @param {string | null} truth */
function sentence(network, { top: [[label, probability]], unknown }, truth) {
  if (unknown) return `${network} would call this ${label}, but it is unlike what it was trained on: unknown.`;
  const said = `${network} says ${label}, ${percent(probability)}`;
  if (truth === null) return `${said}.`;
  return truth === label ? `${said}: right.` : `${said}: wrong, it is ${truth}.`;
}
