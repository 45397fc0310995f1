/** Predict first: maps to choose from, each with a reply of its own. */

import { byId, make } from "../../shared/page.js";
import { choices, paintMap, question } from "./guess.js";

/** @typedef {import("./guess.js").Choice} Choice */

export class Prediction {
  /** @param {() => void} onRight the right map was chosen */
  constructor(onRight) {
    this.onRight = onRight;
    this.place = byId("guess", HTMLElement);
    this.reply = byId("guess-reply", HTMLElement);
    /** @type {HTMLButtonElement[]} */
    this.buttons = [];
  }

  hide() {
    this.place.hidden = true;
  }

  /** @param {import("../../shared/state.js").State} state */
  ask(state) {
    const offered = choices(state);
    this.place.hidden = false;
    byId("guess-question", HTMLElement).textContent = question(state);
    this.reply.textContent = offered.length > 1 ? "" : "Everything gives the same here; choose another input.";
    this.buttons = offered.map((choice, i) => this.button(choice, `Guess ${i + 1} of ${offered.length}`));
    byId("guess-options", HTMLElement).replaceChildren(...this.buttons);
  }

  /** @param {Choice} choice @param {string} name */
  button(choice, name) {
    const { output } = choice.result;
    const canvas = make("canvas", { "aria-hidden": "true" });
    paintMap(canvas, choice.result);
    const label = `${name}, ${output.length} by ${output[0].length}`;
    const button = make("button", { type: "button", "aria-label": label }, canvas);
    button.addEventListener("click", () => this.answer(choice, button), { once: true });
    return button;
  }

  /** @param {Choice} choice @param {HTMLButtonElement} button */
  answer({ right, reply }, button) {
    this.reply.textContent = reply;
    button.classList.add(right ? "right" : "wrong");
    button.append(make("span", { class: "verdict" }, right ? "right" : "no"));
    for (const one of right ? this.buttons : [button]) one.disabled = true;
    if (right) this.onRight();
  }
}
