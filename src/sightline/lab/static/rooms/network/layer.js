/** One layer, opened: its channels as maps, its kernels, and below them how one value came about. */

import { CellGrid } from "../../shared/cells.js";
import { grey, signed } from "../../shared/colors.js";
import { fetchData } from "../../shared/data.js";
import { drawMaps, unpacked } from "../../shared/heat.js";
import { drawKernels, reachOf } from "../../shared/kernels.js";
import { counted, grouped } from "../../shared/numbers.js";
import { make } from "../../shared/page.js";

/**
 * @typedef {{number: number, least: number, mean: number, most: number, zero: number, dead: boolean | null,
 *   peak: [number, number]}} Channel
 */
/**
 * @typedef {import("../../shared/heat.js").Packed & {high: number, signed: boolean, step: number, channels: Channel[],
 *   of: number, dead: number | null, watched: number}} Maps
 */
/**
 * @typedef {{layer: import("../network.js").Layer, number: number, maps: Maps | null, kernels: {values: number[][][][],
 *   of: number} | null, vector: {values: [string, number][], of: number} | null, places?: [number, number, number][]}}
 *   Opened
 */
/**
 * @typedef {{channel: number, patch: (number | null)[][], kernel: number[][], products: (number | null)[][],
 *   sum: number}} Term
 */
/**
 * @typedef {{kind: string, value: number, output: number, bias: number, rows: number[], columns: number[],
 *   channels: number, terms: Term[], rest: number, layer?: string, before?: number | null}} Value
 */

export class LayerPanel {
  /** @param {number} number @param {import("../network.js").Layer} layer @param {{live: boolean}} how */
  constructor(number, layer, { live }) {
    this.number = number;
    this.layer = layer;
    this.live = live;
    this.element = make("div", { class: "layer-panel" });
    this.picture = "";
    this.every = false;
    /** @type {[string, Opened][]} */
    this.opened = [];
    this.value = make("div", { class: "value", role: "status" });
  }

  /** @param {string} picture @param {string} second another picture beside it, or "" */
  async show(picture, second) {
    this.picture = picture;
    const names = [picture, second].filter(Boolean);
    const file = `layer-${this.number}${this.every ? "-all" : ""}.json`;
    try {
      this.opened = await Promise.all(
        names.map(
          async (name) => /** @type {[string, Opened]} */ ([name, await fetchData(`pictures/${name}/${file}`)]),
        ),
      );
    } catch (error) {
      this.element.replaceChildren(
        make("p", { class: "problem" }, error instanceof Error ? error.message : String(error)),
      );
      return;
    }
    this.value.replaceChildren();
    this.draw();
  }

  draw() {
    const [[, first]] = this.opened;
    /** @type {HTMLElement[]} */
    const parts = [make("p", {}, this.words(first))];
    if (first.kernels) parts.push(...this.kernels(first.kernels));
    for (const [name, { maps, vector, places }] of this.opened) {
      if (this.opened.length > 1)
        parts.push(make("p", { class: "caption" }, name === this.picture ? "The picture" : "Beside it"));
      if (maps) parts.push(this.maps(name, maps, places));
      else if (vector) parts.push(this.vector(vector));
    }
    const { maps } = first;
    if (maps && maps.channels.length < maps.of && this.live) {
      const all = make("button", { type: "button", class: "plain" }, `Show all ${maps.of} channels`);
      all.addEventListener("click", () => {
        this.every = true;
        this.show(this.picture, this.opened[1]?.[0] ?? "");
      });
      parts.push(make("p", {}, all));
    }
    this.element.replaceChildren(...parts, this.value);
  }

  /** @param {Opened} opened */
  words({ maps, vector }) {
    const { layer } = this;
    const parts = [`${layer.kind}: ${layer.shape.join(" × ")}.`];
    if (maps) {
      parts.push(
        `${maps.channels.length < maps.of ? `The ${maps.channels.length} strongest of ${maps.of} channels` : `Its ${counted(maps.of, "channel")}`}, the strongest first, all on one scale${maps.signed ? `, from −${maps.high} (blue) to ${maps.high} (orange)` : `, from 0 (dark) to ${maps.high} (bright)`}.`,
      );
      if (maps.dead !== null)
        parts.push(
          maps.dead
            ? `${counted(maps.dead, "channel")} never fired on ${counted(maps.watched, "test picture")}: crossed out.`
            : `Every channel fired on some of ${counted(maps.watched, "test picture")}.`,
        );
      parts.push(
        this.live
          ? "Press a place in a map, or walk there with the arrow keys, to see how its value came about."
          : "In this copy the strongest value of the first channels can be opened; `sightline lab RUN` opens every one.",
      );
    } else if (vector) parts.push(`${counted(vector.of, "number")}, the largest first.`);
    return parts.join(" ");
  }

  /** @param {{values: number[][][][], of: number}} kernels */
  kernels({ values, of }) {
    const shown = values.map((filter) => filter.slice(0, 3)); // as many as can be told apart
    const reach = reachOf(shown);
    const canvas = make("canvas", {
      class: "kernels",
      role: "img",
      "aria-label": `Kernels of ${values.length} filters`,
    });
    drawKernels(canvas, shown, reach);
    const deep =
      shown[0].length > 1
        ? ` A column is a filter, its first ${counted(shown[0].length, "channel")} below each other.`
        : "";
    return [
      canvas,
      make(
        "p",
        { class: "hint" },
        `Kernels: ${values.length < of ? `${values.length} of ${of}` : of} filters, up to ${reach.toPrecision(2)} either way.${deep}`,
      ),
    ];
  }

  /**
   * @param {string} name @param {Maps} maps
   * @param {[number, number, number][] | undefined} places that can be opened, in a static copy
   */
  maps(name, maps, places) {
    const bytes = unpacked(maps);
    const [, height, width] = maps.shape;
    const grid = make("div", { class: "maps" });
    maps.channels.forEach((channel, i) => {
      const canvas = make("canvas", { "aria-hidden": "true" });
      drawMaps(canvas, bytes.subarray(i * height * width), [1, height, width], 1, maps.signed);
      const mark = make("span", { class: "mark", "aria-hidden": "true", hidden: "" });
      const facts = `${channel.least} to ${channel.most}, mean ${channel.mean}${channel.zero ? `, ${(100 * channel.zero).toFixed(0)} % zero` : ""}`;
      const button = make(
        "button",
        {
          type: "button",
          class: channel.dead ? "map dead" : "map",
          title: facts,
          "aria-label": `Channel ${channel.number}${channel.dead ? ", dead" : ""}: ${facts}`,
        },
        canvas,
        mark,
      );
      const place = places?.find(([number]) => number === channel.number);
      if (!this.live && !place) button.disabled = true;
      let [row, column] = channel.peak;
      const go = () => {
        mark.hidden = false;
        mark.style.setProperty("left", `${(100 * (Math.floor(column / maps.step) + 0.5)) / width}%`);
        mark.style.setProperty("top", `${(100 * (Math.floor(row / maps.step) + 0.5)) / height}%`);
        for (const other of this.element.querySelectorAll(".mark"))
          if (other !== mark) /** @type {HTMLElement} */ (other).hidden = true;
        this.explain(name, channel.number, row, column);
      };
      button.addEventListener("click", (event) => {
        if (this.live && event.detail > 0) {
          const box = canvas.getBoundingClientRect();
          row =
            Math.min(height - 1, Math.max(0, Math.floor(((event.clientY - box.top) / box.height) * height))) *
            maps.step;
          column =
            Math.min(width - 1, Math.max(0, Math.floor(((event.clientX - box.left) / box.width) * width))) * maps.step;
        }
        go();
      });
      button.addEventListener("keydown", (event) => {
        const move = /** @type {Record<string, [number, number]>} */ ({
          ArrowUp: [-1, 0],
          ArrowDown: [1, 0],
          ArrowLeft: [0, -1],
          ArrowRight: [0, 1],
        })[event.key];
        if (!move || !this.live) return;
        event.preventDefault();
        row = Math.max(0, Math.min((height - 1) * maps.step, row + move[0] * maps.step));
        column = Math.max(0, Math.min((width - 1) * maps.step, column + move[1] * maps.step));
        go();
      });
      grid.append(make("div", { class: "map-place" }, button, make("span", { class: "hint" }, String(channel.number))));
    });
    return grid;
  }

  /** @param {{values: [string, number][]}} vector */
  vector({ values }) {
    const most = Math.max(...values.map(([, value]) => Math.abs(value))) || 1;
    return make(
      "div",
      { class: "vector" },
      ...values.slice(0, 24).map(([name, value]) => {
        const bar = make("span", { class: value < 0 ? "count-bar below" : "count-bar" });
        bar.style.setProperty("width", `${(100 * Math.abs(value)) / most}%`);
        return make(
          "div",
          { class: "count" },
          make("span", { class: "count-name" }, name),
          make("span", { class: "count-track" }, bar),
          make("span", { class: "count-words" }, number(value)),
        );
      }),
    );
  }

  /** @param {string} picture @param {number} channel @param {number} row @param {number} column */
  async explain(picture, channel, row, column) {
    const mine = `${picture} ${channel} ${row} ${column}`;
    this.asked = mine;
    const title = make("h3", {}, `Channel ${channel}, row ${row}, column ${column}`);
    try {
      /** @type {Value} */
      const value = await fetchData(`pictures/${picture}/layer-${this.number}/${channel}-${row}-${column}.json`);
      if (this.asked !== mine) return;
      this.value.replaceChildren(title, ...(value.kind === "passed" ? [passed(value)] : taken(value)));
    } catch (error) {
      this.value.replaceChildren(
        title,
        make("p", { class: "problem" }, error instanceof Error ? error.message : String(error)),
      );
    }
  }
}

/** @param {Value} value */
function passed({ layer, before, output }) {
  return make(
    "p",
    { class: "equation" },
    before === null || before === undefined
      ? `${layer} made ${number(output)} of all it was given.`
      : `${layer} made ${number(output)} of ${number(before)}, the value at the same place before it.`,
  );
}

/** @param {Value} value @returns {HTMLElement[]} */
function taken({ kind, value, output, bias, rows, columns, channels, terms, rest }) {
  const window = `rows ${rows[0]} to ${rows[rows.length - 1]}, columns ${columns[0]} to ${columns[columns.length - 1]}`;
  /** @type {HTMLElement[]} */
  const parts = [
    make(
      "p",
      { class: "hint" },
      `It looks at ${window} of what comes in${channels > 1 ? `, in all ${channels} channels` : ""}; places outside of it are padding.`,
    ),
  ];
  terms.forEach((term, i) => {
    const drawn =
      terms.length > 1
        ? make("details", {}, make("summary", {}, `channel ${term.channel} of the input: ${number(term.sum)}`))
        : make("div");
    if (drawn instanceof HTMLDetailsElement) drawn.open = i === 0;
    drawn.append(picture(term, kind));
    parts.push(drawn);
  });
  const summed = [...terms.map(({ sum }) => sum), ...(channels > terms.length ? [rest] : []), ...(bias ? [bias] : [])];
  const names = `${channels > terms.length ? `, ${grouped(channels - terms.length)} other channels together` : ""}${bias ? ", and the bias" : ""}`;
  const equation =
    kind === "convolution"
      ? `${summed.map((term, i) => (i ? (term < 0 ? ` − ${number(-term)}` : ` + ${number(term)}`) : number(term))).join("")} = ${number(value)}`
      : `= ${number(value)}`;
  parts.push(
    make("p", { class: "equation" }, equation),
    make(
      "p",
      { class: "hint" },
      `${kind === "convolution" ? `The channels' sums, the strongest first${names}. ` : ""}The network itself computed ${output.toPrecision(7).replace("-", "−")}.`,
    ),
  );
  return parts;
}

/** @param {Term} term @param {string} kind */
function picture({ patch, kernel, products }, kind) {
  const place = make("div", { class: "terms" });
  place.style.setProperty("--kernel", String(patch[0].length));
  const panel = (
    /** @type {string} */ words,
    /** @type {(number | null)[][]} */ values,
    /** @type {boolean} */ plain,
  ) => {
    const grid = make("div");
    place.append(make("figure", { class: "term" }, grid, make("figcaption", {}, words)));
    const most = Math.max(...values.flat().map((value) => Math.abs(value ?? 0))) || 1;
    const low = Math.min(...values.flat().map((value) => value ?? 0));
    new CellGrid(grid, words).draw(
      values.map((row) =>
        row.map((value) => ({
          text: value === null ? "−∞" : short(value),
          color: value === null ? null : plain && low >= 0 ? grey(value, most) : signed(value, most),
        })),
      ),
    );
  };
  const sign = (/** @type {string} */ words) => place.append(make("span", { class: "sign" }, words));
  panel("what it sees", patch, true);
  if (kind === "convolution" || kind === "average") {
    sign("×");
    panel(kind === "average" ? "shares" : "kernel", kernel, false);
    sign("=");
    panel("products", products, false);
  }
  return place;
}

/** @param {number} value */
function number(value) {
  return String(Number(value.toPrecision(4))).replace("-", "−");
}

/** @param {number} value */
function short(value) {
  return String(Number(Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(2))).replace("-", "−");
}
