/** Figure: three logits become probabilities, and those a loss. */

import { Bar } from "../shared/bars.js";
import { fixed, percent, precise } from "../shared/numbers.js";
import { make } from "../shared/page.js";
import { sliders } from "./sliders.js";

const CLASSES = ["cat", "dog", "ship"];

/** Softmax of logits divided by the temperature. @param {number[]} logits @param {number} temperature */
export function softmax(logits, temperature = 1) {
  const largest = Math.max(...logits);
  const powers = logits.map((logit) => Math.exp((logit - largest) / temperature));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}

/** @param {HTMLElement} place */
export function softmaxFigure(place) {
  const bars = CLASSES.map((name) => new Bar(name));
  const truth = make("select", {}, ...CLASSES.map((name) => make("option", {}, name)));
  const loss = make("p", { class: "big-formula", role: "status" });
  const asked = make("p", { class: "row" }, make("label", {}, "It is a ", truth));
  place.append(...bars.map(({ element }) => element), asked, loss);
  let values = { cat: 2, dog: 1, ship: -1, temperature: 1 };
  const draw = () => {
    const probabilities = softmax([values.cat, values.dog, values.ship], values.temperature);
    probabilities.forEach((probability, i) => bars[i].show(probability, percent(probability)));
    const probability = probabilities[truth.selectedIndex];
    loss.replaceChildren(`−ln ${precise(probability, 3)} = `, make("b", {}, fixed(-Math.log(probability), 3)));
  };
  const logit = (/** @type {string} */ name, /** @type {number} */ value) => ({
    label: `logit of ${name}`,
    min: -5,
    max: 5,
    step: 0.1,
    value,
    text: (/** @type {number} */ at) => fixed(at, 1),
  });
  sliders(
    place,
    {
      cat: logit("cat", 2),
      dog: logit("dog", 1),
      ship: logit("ship", -1),
      temperature: { label: "temperature", min: 0.2, max: 5, step: 0.1, value: 1, text: (value) => fixed(value, 1) },
    },
    (next) => {
      values = next;
      draw();
    },
  );
  truth.addEventListener("change", draw);
}
