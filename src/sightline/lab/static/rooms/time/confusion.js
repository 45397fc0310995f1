/** The confusion matrix: rows are what it is, columns what it is called, dark is a large share of the row. */

import { css, inkOn } from "../../shared/colors.js";
import { sequential } from "../../shared/heat.js";
import { byId } from "../../shared/page.js";

const FEW = 20; // classes, up to which cells have numbers and names
const [CELL, MARGIN] = [28, 84]; // pixels, where there are few
const SIDE = 420; // pixels, where there are many

/** @param {number[][]} confusion @param {string[]} classes @param {number} epoch */
export function drawConfusion(confusion, classes, epoch) {
  const few = classes.length <= FEW;
  const cell = few ? CELL : Math.max(2, Math.floor(SIDE / classes.length));
  const margin = few ? MARGIN : 0;
  const canvas = byId("confusion", HTMLCanvasElement);
  const context = sharpContext(canvas, margin + cell * classes.length);
  confusion.forEach((row, truth) => {
    const total = row.reduce((sum, count) => sum + count, 0);
    row.forEach((count, named) => {
      if (!count) return;
      const color = sequential(1 - count / total); // dark is much, as in the report
      const [left, top] = [margin + named * cell, margin + truth * cell];
      context.fillStyle = css(color);
      context.fillRect(left, top, cell - 1, cell - 1);
      if (!few) return;
      context.fillStyle = inkOn(color);
      context.textAlign = "center";
      context.fillText(String(count), left + cell / 2, top + cell / 2);
    });
  });
  if (few) nameBoth(context, classes);
  const words = worst(confusion, classes);
  canvas.setAttribute("aria-label", `Confusion matrix after epoch ${epoch}. ${words}`);
  byId("confusion-words", HTMLElement).textContent =
    `Rows are what it is, columns what it is called; darker is a larger share of the row. ${words}`;
}

/**
 * A square to draw on, sharp where a pixel of the page is several of the screen.
 * @param {HTMLCanvasElement} canvas @param {number} side
 */
function sharpContext(canvas, side) {
  const sharp = Math.min(2, devicePixelRatio || 1);
  [canvas.width, canvas.height] = [side * sharp, side * sharp];
  canvas.style.setProperty("width", `${side}px`);
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.scale(sharp, sharp);
  context.font = `12px ${getComputedStyle(canvas).fontFamily}`;
  context.textBaseline = "middle";
  return context;
}

/**
 * The classes' names before the rows and above the columns.
 * @param {CanvasRenderingContext2D} context @param {string[]} classes
 */
function nameBoth(context, classes) {
  context.fillStyle = getComputedStyle(context.canvas).color;
  classes.forEach((name, i) => {
    const text = cut(context, name, MARGIN - 8);
    const middle = MARGIN + (i + 0.5) * CELL;
    context.textAlign = "right";
    context.fillText(text, MARGIN - 6, middle);
    context.save();
    context.translate(middle, MARGIN - 6);
    context.rotate(-Math.PI / 2);
    context.textAlign = "left";
    context.fillText(text, 0, 0);
    context.restore();
  });
}

/** @param {CanvasRenderingContext2D} context @param {string} words @param {number} room */
function cut(context, words, room) {
  let text = words;
  while (text.length > 1 && context.measureText(text).width > room) text = `${text.slice(0, -2)}…`;
  return text;
}

/** The most frequent mistake. @param {number[][]} confusion @param {string[]} classes */
function worst(confusion, classes) {
  const mistakes = confusion.flatMap((row, truth) =>
    row.map((count, named) => ({ truth, named, count: truth === named ? 0 : count })),
  );
  const { truth, named, count } = mistakes.reduce((most, one) => (one.count > most.count ? one : most));
  return count
    ? `Most often ${classes[truth]} is taken for ${classes[named]} (${count} times).`
    : "Nothing is taken for anything else.";
}
