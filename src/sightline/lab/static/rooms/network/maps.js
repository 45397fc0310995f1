/** The channels of a layer as maps, all on one scale; a place in a map can be chosen. */

import { drawMaps, unpacked } from "../../shared/heat.js";
import { percent } from "../../shared/numbers.js";
import { ARROWS, make } from "../../shared/page.js";

/**
 * @typedef {{number: number, least: number, mean: number, most: number, zero: number, dead: boolean | null,
 *   peak: [number, number]}} Channel
 */
/**
 * @typedef {import("../../shared/heat.js").Packed & {high: number, signed: boolean, step: number, channels: Channel[],
 *   of: number, dead: number | null, watched: number}} Maps step: rows of the layer for one of the map
 */
/**
 * @typedef {{live: boolean, places?: [number, number, number][], onPlace: (map: ChannelMap) => void}} How
 *  live: every place can be chosen; or else of the channels in `places` only the peak, which a static copy has.
 */

/** @param {Maps} maps @param {How} how */
export function mapGrid(maps, how) {
  const bytes = unpacked(maps);
  const made = maps.channels.map((_, i) => new ChannelMap(maps, i, bytes, how));
  return make("div", { class: "maps" }, ...made.map(({ element }) => element));
}

export class ChannelMap {
  /** @param {Maps} maps @param {number} i which of them @param {Uint8Array} bytes of all of them @param {How} how */
  constructor(maps, i, bytes, { live, places, onPlace }) {
    const channel = maps.channels[i];
    this.maps = maps;
    this.channel = channel.number;
    this.row = channel.peak[0];
    this.column = channel.peak[1];
    this.live = live;
    this.onPlace = onPlace;
    const [, height, width] = maps.shape;
    this.canvas = make("canvas", { "aria-hidden": "true" });
    drawMaps(this.canvas, bytes.subarray(i * height * width), [1, height, width], 1, maps.signed);
    this.mark = make("span", { class: "mark", "aria-hidden": "true", hidden: "" });
    const zero = channel.zero ? `, ${percent(channel.zero, 0)} zero` : "";
    const facts = `${channel.least} to ${channel.most}, mean ${channel.mean}${zero}`;
    const name = `Channel ${channel.number}${channel.dead ? ", dead" : ""}: ${facts}`;
    const look = channel.dead ? "map dead" : "map";
    const button = make(
      "button",
      { type: "button", class: look, title: facts, "aria-label": name },
      this.canvas,
      this.mark,
    );
    button.disabled = !live && !places?.some(([number]) => number === channel.number);
    button.addEventListener("click", (event) => {
      if (live && event.detail > 0) this.point(event); // by the keyboard: where it was, or at its peak
      onPlace(this);
    });
    button.addEventListener("keydown", (event) => this.walk(event));
    this.element = make("div", { class: "map-place" }, button, make("span", { class: "hint" }, String(this.channel)));
  }

  /** @param {MouseEvent} event */
  point({ clientX, clientY }) {
    const [, height, width] = this.maps.shape;
    const box = this.canvas.getBoundingClientRect();
    this.move(
      Math.floor(((clientY - box.top) / box.height) * height) * this.maps.step,
      Math.floor(((clientX - box.left) / box.width) * width) * this.maps.step,
    );
  }

  /** @param {KeyboardEvent} event */
  walk(event) {
    const step = ARROWS[event.key];
    if (!step || !this.live) return;
    event.preventDefault();
    this.move(this.row + step[0] * this.maps.step, this.column + step[1] * this.maps.step);
    this.onPlace(this);
  }

  /** @param {number} row @param {number} column both of the layer; the nearest that the map has */
  move(row, column) {
    const [, height, width] = this.maps.shape;
    this.row = Math.max(0, Math.min((height - 1) * this.maps.step, row));
    this.column = Math.max(0, Math.min((width - 1) * this.maps.step, column));
  }

  showMark() {
    const [, height, width] = this.maps.shape;
    const middle = (/** @type {number} */ at, /** @type {number} */ size) =>
      `${(100 * (Math.floor(at / this.maps.step) + 0.5)) / size}%`;
    this.mark.style.setProperty("left", middle(this.column, width));
    this.mark.style.setProperty("top", middle(this.row, height));
    this.mark.hidden = false;
  }
}
