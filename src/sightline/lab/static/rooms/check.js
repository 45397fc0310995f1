/** The final check: first tries count, and what was missed leads back to its lesson. */

import { make } from "../shared/page.js";
import { NOT_KEPT, keep } from "../shared/progress.js";
import { startQuestion } from "../shared/quiz.js";

const quiz = /** @type {HTMLElement} */ (document.querySelector("section.quiz"));
const questions = [...quiz.querySelectorAll("fieldset")];
/** @type {Map<number, boolean>} */
const tries = new Map();
const result = make(
  "section",
  { class: "result", "aria-labelledby": "result-title" },
  make("h2", { id: "result-title" }, "Your score"),
);
const words = make("p", { role: "status" });
const lessons = make("ul", { class: "by-lesson" });
result.append(words, lessons);
quiz.after(result);

questions.forEach((question, number) => {
  startQuestion(question, `check-${number}`, (right) => {
    if (!tries.has(number)) tries.set(number, right);
    tell();
  });
});

function tell() {
  const right = [...tries.values()].filter(Boolean).length;
  if (tries.size < questions.length) {
    words.textContent = `${tries.size} of ${questions.length} questions answered, ${right} at the first try.`;
    return;
  }
  const kept = keep("check", { right, of: questions.length });
  const verdict = right === questions.length ? "All of it." : "Read again where something was missed:";
  words.textContent = `${right} of ${questions.length} right at the first try. ${verdict}${kept ? "" : NOT_KEPT}`;
  /** @type {Map<string, {right: number, of: number}>} */
  const scores = new Map();
  questions.forEach((question, number) => {
    const lesson = question.dataset.lesson ?? "";
    const score = scores.get(lesson) ?? { right: 0, of: 0 };
    scores.set(lesson, { right: score.right + Number(tries.get(number)), of: score.of + 1 });
  });
  lessons.replaceChildren(
    ...[...scores].map(([lesson, score]) =>
      make(
        "li",
        { class: score.right < score.of ? "missed" : "" },
        make("a", { href: `${lesson}.html` }, lesson),
        ` ${score.right} of ${score.of}`,
      ),
    ),
  );
}
tell();
