/** Curves over epochs with a marked moment, which the pointer moves. */

import { make, makeSvg } from "./page.js";

/** @typedef {{name: string, tone: string, points: [number, number][]}} Curve tone: a class of the style sheet */

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [520, 180, 60, 124, 12, 24];

export class Curves {
  /**
   * @param {HTMLElement} place @param {string} title
   * @param {{text: (value: number) => string, onEpoch: (epoch: number) => void, limits?: [number, number]}} how
   *   limits: what no value can pass
   */
  constructor(place, title, { text, onEpoch, limits = [-Infinity, Infinity] }) {
    this.text = text;
    this.limits = limits;
    this.svg = makeSvg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "curves", role: "img" });
    this.title = title;
    place.append(make("p", { class: "caption" }, title), this.svg);
    /** @type {[number, number]} */
    this.epochs = [1, 1];
    const move = (/** @type {PointerEvent} */ event) => {
      if (event.type === "pointermove" && event.pointerType === "touch" && !event.buttons) return;
      const box = this.svg.getBoundingClientRect();
      const x = ((event.clientX - box.left) / box.width) * WIDTH;
      const [first, last] = this.epochs;
      onEpoch(first + ((x - LEFT) / (WIDTH - LEFT - RIGHT)) * (last - first));
    };
    this.svg.addEventListener("pointermove", /** @type {EventListener} */ (move));
    this.svg.addEventListener("pointerdown", /** @type {EventListener} */ (move));
  }

  /** @param {Curve[]} curves @param {number} at the marked epoch */
  draw(curves, at) {
    const drawable = curves.filter(({ points }) => points.length);
    const every = drawable.flatMap(({ points }) => points);
    this.svg.replaceChildren();
    if (!every.length) return;
    const values = every.map(([, value]) => value);
    const [low, high] = spread(Math.min(...values), Math.max(...values), this.limits);
    this.epochs = [1, Math.max(2, ...every.map(([epoch]) => epoch))];
    const x = (/** @type {number} */ epoch) => LEFT + ((epoch - 1) / (this.epochs[1] - 1)) * (WIDTH - LEFT - RIGHT);
    const y = (/** @type {number} */ value) => TOP + (1 - (value - low) / (high - low)) * (HEIGHT - TOP - BOTTOM);
    for (const value of [low, (low + high) / 2, high]) {
      this.add("path", { d: `M${LEFT} ${y(value)}H${WIDTH - RIGHT}`, class: "rule" });
      this.add("text", { x: LEFT - 8, y: y(value) + 4, class: "tick end" }, this.text(value));
    }
    for (const epoch of new Set([1, this.epochs[1]]))
      this.add("text", { x: x(epoch), y: HEIGHT - 6, class: "tick middle" }, String(epoch));
    this.add("path", { d: `M${x(at)} ${TOP}V${HEIGHT - BOTTOM}`, class: "moment" });
    const words = [];
    /** @type {{y: number, text: string, tone: string}[]} */
    const labels = [];
    for (const { name, tone, points } of drawable) {
      this.add("path", {
        d: points.map(([epoch, value], i) => `${i ? "L" : "M"}${x(epoch)} ${y(value)}`).join(""),
        class: `curve ${tone}`,
      });
      const here = points.filter(([epoch]) => epoch <= at).at(-1) ?? points[0];
      this.add("circle", { cx: x(here[0]), cy: y(here[1]), r: 4, class: `dot ${tone}` });
      labels.push({ y: y(here[1]), text: `${name} ${this.text(here[1])}`, tone });
      words.push(`${name} ${this.text(here[1])}`);
    }
    labels.sort((a, b) => a.y - b.y);
    labels.forEach((label, i) => {
      if (i && label.y < labels[i - 1].y + 15) label.y = labels[i - 1].y + 15;
      this.add("text", { x: WIDTH - RIGHT + 8, y: label.y + 4, class: `name ${label.tone}` }, label.text);
    });
    this.svg.setAttribute("aria-label", `${this.title} at epoch ${at}: ${words.join(", ")}`);
  }

  /** @param {string} name @param {Record<string, string | number>} attributes @param {string} [text] */
  add(name, attributes, text = "") {
    this.svg.append(makeSvg(name, attributes, text));
  }
}

/** @param {number} low @param {number} high @param {[number, number]} limits @returns {[number, number]} */
function spread(low, high, [least, most]) {
  const room = (high - low || Math.abs(high) || 1) * 0.05;
  return [Math.max(least, low - room), Math.min(most, high + room)];
}
