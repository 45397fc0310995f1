/**
 * A grid of numbers that can be pointed at, walked through with the arrow keys, and framed by a sliding window.
 */

import { css, inkOn } from "./colors.js";
import { range } from "./convolution.js";

/** @typedef {import("./colors.js").Rgb} Rgb */
/** @typedef {{text: string, color: Rgb | null, kind?: string}} Cell
 *  color null: paper. kind: classes for the look, such as "padding". */
/**
 * @typedef {{onPoint?: (at: [number, number] | null) => void, onPress?: (at: [number, number]) => void,
 *   onKey?: (at: [number, number], key: string) => boolean}} Handlers
 *  onPoint: pointer or focus came to a cell, or left the grid; onKey: true when the key meant something.
 */

const READABLE = 7.5; // pixels: smaller numbers are left out, and only their colours stay

export class CellGrid {
  /** @param {HTMLElement} element an empty element @param {string} label @param {Handlers} [handlers] */
  constructor(element, label, handlers = {}) {
    this.element = element;
    this.handlers = handlers;
    this.rows = 0;
    this.columns = 0;
    /** @type {HTMLElement[]} */
    this.cells = [];
    /** @type {(Cell | undefined)[]} */
    this.drawn = [];
    this.digits = 1;
    this.frame = document.createElement("div");
    this.frame.className = "frame";
    this.frame.hidden = true;
    this.frame.setAttribute("aria-hidden", "true");
    element.classList.add("cells");
    if (handlers.onPoint || handlers.onPress) this.listen();
    this.name = label;
    new ResizeObserver(() => this.fitText()).observe(element);
  }

  /** @param {string} label */
  label(label) {
    this.name = label;
    if (this.rows) this.element.setAttribute("aria-label", label);
  }

  /** Show `cells`, row by row. @param {Cell[][]} cells */
  draw(cells) {
    const interactive = Boolean(this.handlers.onPoint || this.handlers.onPress);
    if (cells.length !== this.rows || cells[0].length !== this.columns)
      this.build(cells.length, cells[0].length, interactive);
    const flat = cells.flat();
    const digits = Math.max(...flat.map((cell) => cell.text.length), 1);
    if (digits !== this.digits) {
      this.digits = digits;
      this.element.style.setProperty("--digits", String(digits));
      this.fitText();
    }
    flat.forEach((cell, i) => {
      const old = this.drawn[i];
      const element = this.cells[i];
      if (old?.text !== cell.text) element.textContent = cell.text;
      if (!old || old.kind !== cell.kind) element.className = `cell ${cell.kind ?? ""}`;
      if (!old || String(old.color) !== String(cell.color)) {
        element.style.backgroundColor = cell.color ? css(cell.color) : "";
        element.style.color = cell.color ? inkOn(cell.color) : "";
      }
      this.drawn[i] = cell;
    });
  }

  /** Forget what was drawn, so that the next `draw` colours every cell anew (the paper turned dark or light). */
  forget() {
    this.drawn = [];
  }

  /**
   * Slide the frame over a part of the grid, or hide it.
   * @param {{row: number, column: number, rows: number, columns: number} | null} part
   */
  surround(part) {
    this.frame.hidden = !part;
    if (!part) return;
    const { style } = this.frame;
    style.width = `${(part.columns / this.columns) * 100}%`;
    style.height = `${(part.rows / this.rows) * 100}%`;
    style.transform = `translate(${(part.column / part.columns) * 100}%, ${(part.row / part.rows) * 100}%)`;
  }

  /**
   * Mark cells, given as row * columns + column, with a class and unmark all others.
   * @param {string} mark @param {Set<number>} indices
   */
  mark(mark, indices) {
    this.cells.forEach((cell, i) => cell.classList.toggle(mark, indices.has(i)));
  }

  /** @param {number} rows @param {number} columns @param {boolean} interactive */
  build(rows, columns, interactive) {
    [this.rows, this.columns, this.drawn] = [rows, columns, []];
    this.element.style.setProperty("--columns", String(columns));
    this.element.setAttribute("role", "grid");
    this.element.setAttribute("aria-label", this.name);
    this.cells = [];
    const lines = range(rows).map((r) => {
      const line = document.createElement("div");
      line.setAttribute("role", "row");
      line.className = "line";
      for (const c of range(columns)) {
        const cell = document.createElement("div");
        cell.setAttribute("role", "gridcell");
        if (interactive) cell.tabIndex = r === 0 && c === 0 ? 0 : -1;
        cell.dataset.at = String(r * columns + c);
        this.cells.push(cell);
        line.append(cell);
      }
      return line;
    });
    this.element.replaceChildren(...lines, this.frame);
    this.fitText();
  }

  /** Numbers too small to read are hidden; the operation below still spells them out. */
  fitText() {
    const width = this.element.clientWidth / this.columns;
    const size = Math.min(width * 0.56, (width * 1.35) / this.digits);
    this.element.classList.toggle("wordless", width > 0 && size < READABLE);
  }

  /** @param {EventTarget | null} target @returns {[number, number] | null} */
  place(target) {
    const cell = target instanceof Element ? target.closest("[data-at]") : null;
    if (!(cell instanceof HTMLElement) || !this.element.contains(cell)) return null;
    const at = Number(cell.dataset.at);
    return [Math.floor(at / this.columns), at % this.columns];
  }

  /** @param {[number, number]} at */
  focus([row, column]) {
    for (const cell of this.cells) cell.tabIndex = -1;
    const cell = this.cells[row * this.columns + column];
    cell.tabIndex = 0;
    cell.focus();
  }

  listen() {
    const { element, handlers } = this;
    element.addEventListener("pointermove", (event) => {
      const under =
        event.pointerType === "mouse" ? event.target : document.elementFromPoint(event.clientX, event.clientY);
      const at = this.place(under);
      if (at) handlers.onPoint?.(at);
      if (at && event.buttons) handlers.onPress?.(at);
    });
    element.addEventListener("pointerleave", () => handlers.onPoint?.(null));
    element.addEventListener("pointerdown", (event) => {
      const at = this.place(event.target);
      if (!at) return;
      handlers.onPoint?.(at);
      handlers.onPress?.(at);
    });
    element.addEventListener("focusin", (event) => {
      const at = this.place(event.target);
      if (at) handlers.onPoint?.(at);
    });
    element.addEventListener("focusout", () => handlers.onPoint?.(null));
    element.addEventListener("keydown", (event) => {
      const at = this.place(event.target);
      if (!at || event.ctrlKey || event.metaKey || event.altKey) return;
      const [row, column] = at;
      /** @type {Record<string, [number, number]>} */
      const moves = {
        ArrowUp: [row - 1, column],
        ArrowDown: [row + 1, column],
        ArrowLeft: [row, column - 1],
        ArrowRight: [row, column + 1],
        Home: [row, 0],
        End: [row, this.columns - 1],
      };
      const to = moves[event.key];
      if (to && this.cells[to[0] * this.columns + to[1]] && to[1] >= 0 && to[1] < this.columns) this.focus(to);
      if (to || handlers.onKey?.(at, event.key)) event.preventDefault();
    });
  }
}
