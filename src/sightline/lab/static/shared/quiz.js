/** A quiz: every choice has an answer of its own, the first try counts. */

import { make } from "./page.js";
import { NOT_KEPT, keep } from "./progress.js";

/** @param {HTMLElement} quiz its <fieldset>s with <p class="choice"> @param {string} lesson */
export function startQuiz(quiz, lesson) {
  const questions = [...quiz.querySelectorAll("fieldset")];
  const result = make("p", { class: "result", role: "status" });
  quiz.append(result);
  /** @type {Map<number, boolean>} */
  const firstTries = new Map();

  const tell = () => {
    const right = [...firstTries.values()].filter(Boolean).length;
    if (firstTries.size < questions.length) {
      result.textContent = firstTries.size ? `${firstTries.size} of ${questions.length} questions answered.` : "";
      return;
    }
    const stored = keep(lesson, { right, of: questions.length });
    const verdict =
      right === questions.length
        ? "All of it."
        : right >= questions.length / 2
          ? "The answers above say what was missing."
          : "Read the lesson once more, then try again: it will go quickly.";
    result.textContent = `${right} of ${questions.length} right at the first try. ${verdict}${stored ? "" : NOT_KEPT}`;
  };

  questions.forEach((question, number) => {
    startQuestion(question, `question-${number}`, (right) => {
      if (!firstTries.has(number)) firstTries.set(number, right);
      tell();
    });
  });
}

/**
 * Makes the choices of one question choosable; each choice tells its own reply.
 * @param {Element} question a <fieldset> with <p class="choice">, each with its <span class="reply">
 * @param {string} name of its radio buttons @param {(right: boolean) => void} [onChoice]
 */
export function startQuestion(question, name, onChoice) {
  const choices = [...question.querySelectorAll(".choice")];
  for (const choice of choices) {
    const right = choice.hasAttribute("data-right");
    const said = /** @type {HTMLElement} */ (choice.querySelector(".reply"));
    const words = said.textContent ?? "";
    said.remove();
    const radio = make("input", { type: "radio", name });
    const reply = make("span", { class: "reply", role: "status" });
    const label = make("label", {}, radio, make("span", {}, (choice.textContent ?? "").trim()));
    choice.replaceChildren(label, reply);
    radio.addEventListener("change", () => {
      for (const other of choices) {
        other.classList.remove("right", "wrong");
        /** @type {HTMLElement} */ (other.querySelector(".reply")).textContent = "";
      }
      choice.classList.add(right ? "right" : "wrong");
      reply.append(make("b", {}, right ? "Right. " : "Not quite. "), words);
      onChoice?.(right);
    });
  }
}
