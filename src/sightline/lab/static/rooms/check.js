/** The final check: first tries count, and what was missed leads back to its lesson. */

import { make } from "../shared/page.js";
import { NOT_KEPT, keep } from "../shared/progress.js";
import { startQuestion } from "../shared/quiz.js";

/** @param {HTMLElement} quiz its <fieldset>s, each with the slug of its lesson */
function startCheck(quiz) {
  const questions = [...quiz.querySelectorAll("fieldset")];
  /** @type {Map<number, boolean>} */
  const tries = new Map();
  const title = make("h2", { id: "result-title" }, "Your score");
  const words = make("p", { role: "status" });
  const lessons = make("ul", { class: "by-lesson" });
  quiz.after(make("section", { class: "result", "aria-labelledby": "result-title" }, title, words, lessons));

  const tell = () => {
    const right = [...tries.values()].filter(Boolean).length;
    if (tries.size < questions.length) {
      words.textContent = `${tries.size} of ${questions.length} questions answered, ${right} at the first try.`;
      return;
    }
    const stored = keep("check", { right, of: questions.length });
    const verdict = right === questions.length ? "All of it." : "Read again where something was missed:";
    words.textContent = `${right} of ${questions.length} right at the first try. ${verdict}${stored ? "" : NOT_KEPT}`;
    lessons.replaceChildren(...byLesson(questions, tries));
  };

  questions.forEach((question, number) => {
    startQuestion(question, `check-${number}`, (right) => {
      if (!tries.has(number)) tries.set(number, right);
      tell();
    });
  });
  tell();
}

/**
 * A line a lesson.
 * @param {HTMLFieldSetElement[]} questions @param {Map<number, boolean>} tries by the question's number
 */
function byLesson(questions, tries) {
  /** @type {Map<string, {right: number, of: number}>} */
  const scores = new Map();
  questions.forEach((question, number) => {
    const lesson = question.dataset.lesson ?? "";
    const { right, of } = scores.get(lesson) ?? { right: 0, of: 0 };
    scores.set(lesson, { right: right + Number(tries.get(number)), of: of + 1 });
  });
  return [...scores].map(([lesson, { right, of }]) => {
    const link = make("a", { href: `${lesson}.html` }, lesson);
    return make("li", { class: right < of ? "missed" : "" }, link, ` ${right} of ${of}`);
  });
}

startCheck(/** @type {HTMLElement} */ (document.querySelector("section.quiz")));
