/** The list of lessons, with how far the reader got. */

import { byId } from "../shared/page.js";
import { forget, scores } from "../shared/progress.js";

function draw() {
  const results = scores();
  for (const item of document.querySelectorAll("li[data-lesson]")) {
    const score = results[/** @type {HTMLElement} */ (item).dataset.lesson ?? ""];
    const place = /** @type {HTMLElement} */ (item.querySelector(".progress"));
    place.textContent = score ? `${score.right} of ${score.of} at the first try` : "not begun";
    item.classList.toggle("done", Boolean(score));
  }
}

byId("forget", HTMLButtonElement).addEventListener("click", () => {
  forget();
  draw();
  byId("forgotten", HTMLElement).textContent = "Forgotten.";
});
addEventListener("pageshow", draw); // also when the reader comes back from a lesson
draw();
