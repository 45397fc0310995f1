/** Figure: three logits become probabilities, and those a loss. */

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
  const bars = CLASSES.map((name) => {
    const bar = make("span", { class: "count-bar" });
    const words = make("span", { class: "count-words" });
    place.append(
      make(
        "div",
        { class: "count" },
        make("span", { class: "count-name" }, name),
        make("span", { class: "count-track" }, bar),
        words,
      ),
    );
    return { bar, words };
  });
  const truth = make("select", {}, ...CLASSES.map((name) => make("option", {}, name)));
  const loss = make("p", { class: "big-formula", role: "status" });
  place.append(make("p", { class: "row" }, make("label", {}, "It is a ", truth)), loss);
  let values = { cat: 2, dog: 1, ship: -1, temperature: 1 };
  const draw = () => {
    const probabilities = softmax([values.cat, values.dog, values.ship], values.temperature);
    probabilities.forEach((probability, i) => {
      bars[i].bar.style.setProperty("width", `${100 * probability}%`);
      bars[i].words.textContent = `${(100 * probability).toFixed(1)} %`;
    });
    const given = probabilities[truth.selectedIndex];
    loss.replaceChildren(`−ln ${given.toPrecision(3)} = `, make("b", {}, (-Math.log(given)).toFixed(3)));
  };
  const logit = (/** @type {string} */ name, /** @type {number} */ value) => ({
    label: `logit of ${name}`,
    min: -5,
    max: 5,
    step: 0.1,
    value,
    text: (/** @type {number} */ shown) => shown.toFixed(1).replace("-", "−"),
  });
  sliders(
    place,
    {
      cat: logit("cat", 2),
      dog: logit("dog", 1),
      ship: logit("ship", -1),
      temperature: { label: "temperature", min: 0.2, max: 5, step: 0.1, value: 1, text: (value) => value.toFixed(1) },
    },
    (given) => {
      values = given;
      draw();
    },
  );
  truth.addEventListener("change", draw);
}
