/** The layers of a network in the order they run, each with its strongest maps; one of them can be opened. */

import { drawMaps, unpacked } from "../../shared/heat.js";
import { sequentialLegend, signedLegend } from "../../shared/legend.js";
import { counted, grouped } from "../../shared/numbers.js";
import { byId, make } from "../../shared/page.js";
import { LayerPanel } from "./layer.js";

/**
 * @typedef {{name: string, kind: string, role: string, stage: string, shape: number[], parameters: number,
 *   field: number | null}} Layer field: pixels that one value sees, each way; null: all
 */
/** @typedef {import("../../shared/heat.js").Packed & {high: number, signed: boolean, channels: number[]}} Strip */
/** @typedef {(Strip | null)[]} Strips the strongest maps of each layer; null: it makes no maps */

const MANY = 40; // layers, from which on stages are folded

export class Flow {
  /** @param {Layer[]} layers @param {boolean} live @param {() => void} onOpen a layer was opened or closed */
  constructor(layers, live, onOpen) {
    this.layers = layers;
    this.live = live;
    this.onOpen = onOpen;
    /** @type {string[]} */
    this.pictures = [];
    /** @type {LayerPanel | null} */
    this.panel = null;
    this.rows = layers.map((layer, i) => this.row(layer, i));
    byId("flow", HTMLElement).append(...this.stages());
    this.drawLegend();
  }

  /** @param {Layer} layer @param {number} i */
  row(layer, i) {
    const button = make(
      "button",
      { type: "button", class: "layer-button", "aria-expanded": "false" },
      make("span", { class: "code" }, layer.kind),
      make("span", { class: "path" }, layer.name),
    );
    button.addEventListener("click", () => this.toggle(i));
    const sees = layer.field === null ? "sees the whole image" : `sees ${layer.field} × ${layer.field}`;
    const facts = layer.parameters ? `${grouped(layer.parameters)} parameters · ${sees}` : sees;
    const strips = make("div", { class: "strips" });
    const element = make(
      "li",
      { class: `layer ${layer.role}` },
      make(
        "div",
        { class: "layer-head" },
        button,
        make(
          "span",
          { class: "facts" },
          make("span", { class: "shape" }, layer.shape.join(" × ")),
          make("span", { class: "hint" }, facts),
        ),
        strips,
      ),
    );
    return { element, button, strips };
  }

  /** The rows, stage by stage. */
  stages() {
    const many = this.layers.length > MANY;
    const begins = (/** @type {number} */ i) => i === 0 || this.layers[i].stage !== this.layers[i - 1].stage;
    return this.layers.flatMap(({ stage }, first) => {
      if (!begins(first)) return [];
      let end = first + 1;
      while (end < this.layers.length && !begins(end)) end += 1;
      const own = this.layers.slice(first, end);
      const parameters = own.reduce((sum, layer) => sum + layer.parameters, 0);
      const shape = own[own.length - 1].shape.join(" × ");
      const words = ` ${counted(own.length, "layer")}, ${grouped(parameters)} parameters, ${shape}`;
      const group = make(
        "details",
        { class: "stage-group" },
        make("summary", {}, make("b", {}, stage), make("span", { class: "hint" }, words)),
        make("ol", {}, ...this.rows.slice(first, end).map(({ element }) => element)),
      );
      group.open = !many || first === 0;
      return [make("li", {}, group)];
    });
  }

  drawLegend() {
    const [magnitudes, signs] = [make("span"), make("span")];
    sequentialLegend(magnitudes, ["0", "the layer's most"]);
    signedLegend(signs, ["negative", "0", "positive"]);
    byId("flow-legend", HTMLElement).replaceChildren(magnitudes, signs);
  }

  /** @param {Strips[]} columns of one picture, or of two beside each other */
  draw(columns) {
    this.rows.forEach(({ strips }, i) =>
      strips.replaceChildren(
        ...columns.map((ofLayers) => {
          const strip = ofLayers[i];
          if (!strip) return make("span", { class: "hint" }, "no maps: a row of numbers");
          const canvas = make("canvas", { class: "strip-maps", "aria-hidden": "true" });
          const [count, height, width] = strip.shape;
          drawMaps(canvas, unpacked(strip), [count, height, width], count, strip.signed);
          return canvas;
        }),
      ),
    );
  }

  /** Show the open layer for other pictures. @param {string[]} pictures */
  async show(pictures) {
    this.pictures = pictures;
    await this.panel?.show(pictures);
  }

  /** Open a layer; close it where it is open. @param {number} i */
  async toggle(i) {
    const wasOpen = this.panel?.number === i;
    this.close();
    if (!wasOpen && this.pictures.length) this.open(i);
    this.onOpen();
    await this.panel?.show(this.pictures);
  }

  /** @param {number} i */
  open(i) {
    const { element, button } = this.rows[i];
    this.panel = new LayerPanel(i, this.layers[i], this.live);
    element.append(this.panel.element);
    button.setAttribute("aria-expanded", "true");
    const group = element.closest("details");
    if (group) group.open = true;
  }

  close() {
    if (!this.panel) return;
    this.panel.element.remove();
    this.rows[this.panel.number].button.setAttribute("aria-expanded", "false");
    this.panel = null;
  }
}
