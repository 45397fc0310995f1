/** A pad to draw on: white on black, with a pen, a finger or the mouse. */

import { make } from "../../shared/page.js";

const SIDE = 112; // pixels of what is sent; enough for any of the small sets
const PEN = 9;

export class Pad {
  /**
   * @param {HTMLElement} place
   * @param {(ink: Uint8Array<ArrayBuffer>, width: number) => Promise<void>} onInk
   *   what becomes of a drawing; not asked again before it is done, and then for the newest
   */
  constructor(place, onInk) {
    this.onInk = onInk;
    this.busy = false;
    this.newer = false;
    this.erasing = false;
    /** @type {ImageData[]} */
    this.before = [];
    this.canvas = make("canvas", {
      width: String(SIDE),
      height: String(SIDE),
      class: "pad",
      role: "img",
      "aria-label": "Drawing pad",
      tabindex: "0",
    });
    this.context = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d", { willReadFrequently: true }));
    const button = (/** @type {string} */ name, /** @type {(made: HTMLButtonElement) => void} */ press) => {
      const made = make("button", { type: "button", class: "button" }, name);
      made.addEventListener("click", () => press(made));
      return made;
    };
    place.append(
      this.canvas,
      make(
        "p",
        { class: "row" },
        button("Clear", () => this.clear()),
        button("Undo", () => this.undo()),
        button("Eraser", (made) => {
          this.erasing = !this.erasing;
          made.setAttribute("aria-pressed", String(this.erasing));
          made.textContent = this.erasing ? "Pen" : "Eraser";
        }),
      ),
    );
    this.listen();
    this.wipe();
  }

  listen() {
    const { canvas, context } = this;
    /** @type {[number, number] | null} */
    let last = null;
    const at = (/** @type {PointerEvent} */ event) => {
      const box = canvas.getBoundingClientRect();
      return /** @type {[number, number]} */ ([
        ((event.clientX - box.left) / box.width) * SIDE,
        ((event.clientY - box.top) / box.height) * SIDE,
      ]);
    };
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.before.push(context.getImageData(0, 0, SIDE, SIDE));
      if (this.before.length > 30) this.before.shift();
      last = at(event);
      this.line(last, last);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!last) return;
      for (const one of event.getCoalescedEvents?.() ?? [event]) {
        const now = at(one);
        this.line(last, now);
        last = now;
      }
    });
    for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => (last = null));
    canvas.addEventListener("keydown", (event) => {
      if (event.key === "Delete" || event.key === "Backspace") this.clear();
      if (event.key === "z" && (event.ctrlKey || event.metaKey)) this.undo();
    });
  }

  /** @param {[number, number]} from @param {[number, number]} to */
  line(from, to) {
    const { context } = this;
    context.lineCap = context.lineJoin = "round";
    context.lineWidth = this.erasing ? 2 * PEN : PEN;
    context.strokeStyle = this.erasing ? "#000" : "#fff";
    context.beginPath();
    context.moveTo(...from);
    context.lineTo(to[0] + 0.01, to[1]);
    context.stroke();
    this.tell();
  }

  wipe() {
    this.context.fillStyle = "#000";
    this.context.fillRect(0, 0, SIDE, SIDE);
  }

  clear() {
    this.before.push(this.context.getImageData(0, 0, SIDE, SIDE));
    this.wipe();
    this.tell();
  }

  undo() {
    const drawn = this.before.pop();
    if (!drawn) return;
    this.context.putImageData(drawn, 0, 0);
    this.tell();
  }

  async tell() {
    if (this.busy) {
      this.newer = true;
      return;
    }
    this.busy = true;
    do {
      this.newer = false;
      const { data } = this.context.getImageData(0, 0, SIDE, SIDE);
      await this.onInk(
        Uint8Array.from({ length: SIDE * SIDE }, (_, i) => data[4 * i]),
        SIDE,
      );
    } while (this.newer);
    this.busy = false;
  }
}
