/** A lesson: its live figures, its quiz, and snippets that can be copied. */

import { FIGURES } from "../figures/figures.js";
import { copied, make } from "../shared/page.js";
import { startQuiz } from "../shared/quiz.js";
import { addOwnPart } from "./lesson/own.js";

for (const figure of document.querySelectorAll("figure[data-figure]")) {
  const place = make("div", { class: "live" });
  figure.prepend(place);
  const draw = FIGURES[/** @type {HTMLElement} */ (figure).dataset.figure ?? ""];
  if (draw) draw(place);
  else place.textContent = "This figure is missing.";
}

for (const snippet of document.querySelectorAll("pre.snippet")) {
  snippet.setAttribute("tabindex", "0"); // it may scroll sideways
  const button = make("button", { type: "button", class: "copy plain" }, "Copy");
  button.addEventListener("click", async () => {
    const code = snippet.querySelector("code")?.textContent ?? "";
    button.textContent = (await copied(code)) ? "Copied" : "Mark it and copy";
  });
  snippet.before(button);
}
for (const output of document.querySelectorAll("pre.output")) {
  output.setAttribute("tabindex", "0");
  output.setAttribute("aria-label", "What it prints");
  output.setAttribute("role", "group");
}

const lesson = location.pathname.split("/").pop()?.replace(".html", "") ?? "";
const quiz = document.querySelector("section.quiz");
if (quiz instanceof HTMLElement) {
  startQuiz(quiz, lesson);
  addOwnPart(lesson, quiz).catch(() => {}); // the lesson is whole without it
}
