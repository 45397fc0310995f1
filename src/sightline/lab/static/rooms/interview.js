/** Interview questions, found by a word. */

import { counted } from "../shared/numbers.js";
import { byId } from "../shared/page.js";

const field = byId("find", HTMLInputElement);
const questions = [...document.querySelectorAll("details.question")];

function find() {
  const wanted = field.value.trim().toLowerCase();
  let count = 0;
  for (const question of questions) {
    const fits = (question.textContent ?? "").toLowerCase().includes(wanted);
    /** @type {HTMLElement} */ (question).hidden = !fits;
    count += Number(fits);
  }
  for (const section of document.querySelectorAll("section.asked")) {
    /** @type {HTMLElement} */ (section).hidden = !section.querySelector("details:not([hidden])");
  }
  byId("found", HTMLElement).textContent = wanted
    ? count
      ? counted(count, "question")
      : "No question has these words."
    : "";
}

field.addEventListener("input", find);
find();
