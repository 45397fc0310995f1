/** What a lesson says about the reader's own network and data, when the lab was opened with a run. */

import { Bar } from "../../shared/bars.js";
import { CellGrid } from "../../shared/cells.js";
import { darkMode, grey } from "../../shared/colors.js";
import { about, fetchData } from "../../shared/data.js";
import { drawKernels } from "../../shared/kernels.js";
import { LearningCurves } from "../../shared/learning.js";
import { grouped, significant } from "../../shared/numbers.js";
import { make } from "../../shared/page.js";
import { startQuestion } from "../../shared/quiz.js";

/** @typedef {{text: string, choices: string[], replies: string[], right: number}} OwnQuestion */
/** @typedef {{words: string, figure: any, questions: OwnQuestion[]}} Part */

/**
 * Put the lesson's part before `place`; nothing without a run, or where it has nothing to say.
 * @param {string} lesson @param {Element} place
 */
export async function addOwnPart(lesson, place) {
  const { run } = await about();
  if (!run?.network) return;
  /** @type {Part | undefined} */
  const part = (await fetchData("course.json"))[lesson];
  if (!part) return;
  const section = make("section", { class: "own quiz", "aria-labelledby": "own-title" });
  section.append(
    make("h2", { id: "own-title" }, run.trained ? "In your own run" : "In the network you opened"),
    make("p", { class: "hint" }, run.name),
    make("p", {}, part.words),
  );
  const draw = part.figure && FIGURES[/** @type {string} */ (part.figure.kind)];
  if (draw) {
    const figure = make("figure", { class: "own-figure" });
    section.append(figure);
    draw(figure, part.figure);
  }
  part.questions.forEach((asked, number) => {
    const choices = asked.choices.map((words, i) =>
      make(
        "p",
        { class: "choice", ...(i === asked.right ? { "data-right": "" } : {}) },
        `${words} `,
        make("span", { class: "reply" }, asked.replies[i]),
      ),
    );
    const question = make("fieldset", {}, make("legend", {}, asked.text), ...choices);
    section.append(question);
    startQuestion(question, `own-${number}`);
  });
  place.before(section);
}

/** @type {Record<string, (place: HTMLElement, figure: any) => void>} */
const FIGURES = { pixels, kernels, fields, curves, confusion };

/** @param {HTMLElement} place @param {{grey: number[][], label: string}} figure */
function pixels(place, { grey: values, label }) {
  const square = make("div");
  place.append(
    make("div", { class: "panel own-pixels" }, square),
    make("figcaption", {}, `Grey levels of '${label}', 0 black to 255 white`),
  );
  new CellGrid(square, `Grey levels of ${label}`).draw(
    values.map((row) => row.map((value) => ({ text: String(value), color: grey(value, 255) }))),
  );
}

/** @param {HTMLElement} place @param {{values: number[][][][], reach: number}} figure */
function kernels(place, { values, reach }) {
  const canvas = make("canvas", { class: "kernels", role: "img", "aria-label": `${values.length} filters` });
  const draw = () => drawKernels(canvas, values, reach);
  draw();
  darkMode.addEventListener("change", draw);
  const deep = values[0].length > 1 ? "A column is a filter, its channels below each other. " : "";
  const scale = `Blue is negative, orange positive, up to ${significant(reach, 2)} either way`;
  place.append(canvas, make("figcaption", {}, deep + scale));
}

/**
 * A bar a layer: how many pixels one value sees.
 * @param {HTMLElement} place @param {{image: number, rows: [string, number, number[]][]}} figure
 */
function fields(place, { image, rows }) {
  const largest = Math.max(image, ...rows.map(([, field]) => field));
  const sample =
    rows.length <= 12 ? rows : rows.filter((_, i) => i % Math.ceil(rows.length / 12) === 0 || i === rows.length - 1);
  for (const [name, field, shape] of sample) {
    const bar = new Bar(name.split(".").slice(-2).join("."), "own-field");
    bar.name.title = name;
    place.append(bar.show(field / largest, `${field} of ${image}`, make("small", {}, ` ${shape.join(" × ")}`)));
  }
  const words = "Pixels each way that one value sees, of the image's, and the layer's output.";
  place.append(make("figcaption", {}, `${words} A field may reach beyond the image.`));
}

/**
 * Losses and accuracy by epoch.
 * @param {HTMLElement} place @param {{records: import("../../shared/learning.js").Epoch[]}} figure
 */
function curves(place, { records }) {
  const [losses, accuracies] = [make("div"), make("div")];
  place.append(losses, accuracies, make("figcaption", {}, "Point at a curve to read an epoch."));
  const [first, last] = [records[0].epoch, records[records.length - 1].epoch];
  const accuracy = (/** @type {import("../../shared/learning.js").Epoch} */ record) => record.val_accuracy ?? 0;
  const best = records.reduce((most, record) => (accuracy(record) > accuracy(most) ? record : most));
  const draw = (/** @type {number} */ epoch) => {
    const at = Math.round(Math.min(last, Math.max(1, epoch)));
    chart.draw(records, at, `epoch ${at}:`);
  };
  const chart = new LearningCurves(losses, accuracies, draw);
  draw(best.epoch === first ? last : 1);
}

/** @param {HTMLElement} place @param {{classes: string[], matrix: number[][]}} figure */
function confusion(place, { classes, matrix }) {
  const table = make("table", { class: "own-table confusion" });
  table.append(
    make(
      "thead",
      {},
      make(
        "tr",
        {},
        make("th", { scope: "col" }, "truth"),
        ...classes.map((name) => make("th", { scope: "col" }, name)),
      ),
    ),
  );
  const body = make("tbody");
  matrix.forEach((row, truth) => {
    const total = row.reduce((sum, count) => sum + count, 0);
    body.append(
      make(
        "tr",
        {},
        make("th", { scope: "row" }, classes[truth]),
        ...row.map((count, named) => {
          const cell = make(
            "td",
            { class: named === truth ? "right" : count ? "wrong" : "none" },
            count ? grouped(count) : "·",
          );
          cell.style.setProperty("--share", String(total ? count / total : 0));
          return cell;
        }),
      ),
    );
  });
  table.append(body);
  place.append(
    make("div", { class: "own-scroll", tabindex: "0", role: "group", "aria-label": "Confusion matrix" }, table),
    make("figcaption", {}, "Rows: what it is. Columns: what your network calls it."),
  );
}
