/** One layer, opened: its channels as maps, its kernels, and below them how one value came about. */

import { Bar } from "../../shared/bars.js";
import { fetchData } from "../../shared/data.js";
import { drawKernels, reachOf } from "../../shared/kernels.js";
import { counted, significant } from "../../shared/numbers.js";
import { make } from "../../shared/page.js";
import { problemLine } from "../../shared/problem.js";
import { mapGrid } from "./maps.js";
import { explanation } from "./value.js";

/** @typedef {import("./maps.js").ChannelMap} ChannelMap */
/** @typedef {import("./maps.js").Maps} Maps */
/** @typedef {{values: number[][][][], of: number}} Kernels */
/** @typedef {{values: [string, number][], of: number}} Vector */
/**
 * @typedef {{maps: Maps | null, kernels: Kernels | null, vector: Vector | null, places?: [number, number, number][]}}
 *   Opened places: what a static copy can explain, as channel, row and column
 */

const SHOWN_CHANNELS = 3; // of a kernel: as many as can be told apart
const SHOWN_NUMBERS = 24; // of a layer without maps

export class LayerPanel {
  /** @param {number} number @param {import("./flow.js").Layer} layer @param {boolean} live */
  constructor(number, layer, live) {
    this.number = number;
    this.layer = layer;
    this.live = live;
    this.element = make("div", { class: "layer-panel" });
    this.value = make("div", { class: "value", role: "status" });
    this.all = false; // channels, not only the strongest
    /** @type {string[]} */
    this.pictures = [];
    /** @type {Opened[]} of each picture, once it is known */
    this.opened = [];
    this.asked = 0; // how often, so that an answer that comes late does not replace a newer one
    /** @type {ChannelMap | null} */
    this.marked = null;
  }

  /** @param {string[]} pictures one, or two beside each other */
  async show(pictures) {
    this.pictures = pictures;
    const file = `layer-${this.number}${this.all ? "-all" : ""}.json`;
    const asked = (this.asked += 1);
    try {
      const opened = await Promise.all(pictures.map((picture) => fetchData(`pictures/${picture}/${file}`)));
      if (this.asked !== asked) return;
      this.opened = opened;
      this.marked = null;
      this.value.replaceChildren();
      this.draw();
    } catch (error) {
      if (this.asked === asked) this.element.replaceChildren(problemLine(error, "p"));
    }
  }

  draw() {
    if (!this.opened.length) return;
    const [{ maps, kernels }] = this.opened;
    /** @type {HTMLElement[]} */
    const parts = [make("p", {}, this.words())];
    if (kernels) parts.push(...drawn(kernels));
    this.opened.forEach((opened, i) => {
      if (this.opened.length > 1) parts.push(make("p", { class: "caption" }, i === 0 ? "The picture" : "Beside it"));
      const { live } = this;
      const picture = this.pictures[i];
      const onPlace = (/** @type {ChannelMap} */ map) => this.explain(picture, map);
      if (opened.maps) parts.push(mapGrid(opened.maps, { live, places: opened.places, onPlace }));
      else if (opened.vector) parts.push(listed(opened.vector));
    });
    if (maps && maps.channels.length < maps.of && this.live) parts.push(make("p", {}, this.allButton(maps.of)));
    this.element.replaceChildren(...parts, this.value);
  }

  /** What there is to see. */
  words() {
    const [{ maps, vector }] = this.opened;
    const parts = [`${this.layer.kind}: ${this.layer.shape.join(" × ")}.`];
    if (maps) {
      const { channels, of, high, dead, watched } = maps;
      const which =
        channels.length < of ? `The ${channels.length} strongest of ${of} channels` : `Its ${counted(of, "channel")}`;
      const scale = maps.signed ? `from −${high} (blue) to ${high} (orange)` : `from 0 (dark) to ${high} (bright)`;
      parts.push(`${which}, the strongest first, all on one scale, ${scale}.`);
      const pictures = counted(watched, "test picture");
      if (dead) parts.push(`${counted(dead, "channel")} never fired on ${pictures}: crossed out.`);
      if (dead === 0) parts.push(`Every channel fired on some of ${pictures}.`);
      parts.push(
        this.live
          ? "Press a place in a map, or walk there with the arrow keys, to see how its value came about."
          : "In this copy the strongest value of the first channels can be opened; " +
              "`sightline lab RUN` opens every one.",
      );
    } else if (vector) parts.push(`${counted(vector.of, "number")}, the largest first.`);
    return parts.join(" ");
  }

  /** @param {number} channels */
  allButton(channels) {
    const button = make("button", { type: "button", class: "plain" }, `Show all ${channels} channels`);
    button.addEventListener("click", () => {
      this.all = true;
      this.show(this.pictures);
    });
    return button;
  }

  /** @param {string} picture @param {ChannelMap} map with the place that was chosen */
  async explain(picture, map) {
    if (this.marked && this.marked !== map) this.marked.mark.hidden = true;
    this.marked = map;
    map.showMark();
    const { channel, row, column } = map;
    const title = make("h3", {}, `Channel ${channel}, row ${row}, column ${column}`);
    const isAsked = () => this.marked === map && map.row === row && map.column === column;
    try {
      const value = await fetchData(`pictures/${picture}/layer-${this.number}/${channel}-${row}-${column}.json`);
      if (isAsked()) this.value.replaceChildren(title, ...explanation(value));
    } catch (error) {
      if (isAsked()) this.value.replaceChildren(title, problemLine(error, "p"));
    }
  }
}

/** @param {Kernels} kernels @returns {HTMLElement[]} */
function drawn({ values, of }) {
  const parts = values.map((filter) => filter.slice(0, SHOWN_CHANNELS));
  const reach = reachOf(parts);
  const canvas = make("canvas", { class: "kernels", role: "img", "aria-label": `Kernels of ${values.length} filters` });
  drawKernels(canvas, parts, reach);
  const count = values.length < of ? `${values.length} of ${of}` : of;
  const channels = counted(parts[0].length, "channel");
  const deep = parts[0].length > 1 ? ` A column is a filter, its first ${channels} below each other.` : "";
  const words = `Kernels: ${count} filters, up to ${significant(reach, 2)} either way.${deep}`;
  return [canvas, make("p", { class: "hint" }, words)];
}

/** @param {Vector} vector */
function listed({ values }) {
  const most = Math.max(...values.map(([, value]) => Math.abs(value))) || 1;
  const bars = values
    .slice(0, SHOWN_NUMBERS)
    .map(([name, value]) => new Bar(name).show(value / most, significant(value)));
  return make("div", { class: "vector" }, ...bars);
}
