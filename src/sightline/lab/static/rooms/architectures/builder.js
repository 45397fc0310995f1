/** A small network built from blocks: each block with its settings and what comes out, or why nothing does. */

import { grouped } from "../../shared/numbers.js";
import { byId, copied, make, sentence } from "../../shared/page.js";
import { BLOCKS, PRESETS, decode, encode, newBlock } from "./blocks.js";
import { fieldText, shapeText } from "./layers.js";
import { Problem } from "../../shared/problem.js";
import { follow } from "./shapes.js";
import { sequentialCode, sightlineCode } from "./torchcode.js";

/** @typedef {import("./shapes.js").Layer} Layer */
/** @typedef {import("./shapes.js").Outcome} Outcome */

export class Builder {
  /** @param {(layers: Layer[], outcomes: Outcome[], image: number[]) => void} onDraw */
  constructor(onDraw) {
    this.onDraw = onDraw;
    this.asSightline = false;
    /** @type {Layer[]} */
    this.layers = [];
    this.channels = 1;
    this.size = 28;
    this.preset("first");
    this.list = byId("blocks", HTMLOListElement);
    this.sizeField = byId("build-size", HTMLInputElement);
    this.channelsField = byId("build-channels", HTMLSelectElement);
    this.sizeField.addEventListener("input", () => {
      const value = Number(this.sizeField.value);
      if (!Number.isInteger(value) || value < 1 || value > 4096) return;
      this.size = value;
      this.draw();
    });
    this.channelsField.addEventListener("change", () => {
      this.channels = Number(this.channelsField.value);
      this.draw();
    });
    byId("presets", HTMLElement).append(
      ...Object.entries(PRESETS).flatMap(([key, { name }], i) => {
        const button = make("button", { type: "button", class: "plain" }, name);
        button.addEventListener("click", () => {
          this.preset(key);
          this.draw();
        });
        return i ? [" · ", button] : [button];
      }),
    );
    byId("add", HTMLElement).append(
      ...Object.entries(BLOCKS).map(([kind, { label, does }]) => {
        const button = make("button", { type: "button", title: does }, label);
        button.addEventListener("click", () => {
          this.layers = [...this.layers, newBlock(kind)];
          this.draw();
        });
        return button;
      }),
    );
    for (const [id, asSightline] of /** @type {const} */ ([
      ["as-torch", false],
      ["as-sightline", true],
    ])) {
      byId(id, HTMLButtonElement).addEventListener("click", () => {
        this.asSightline = asSightline;
        this.draw();
      });
    }
    byId("copy", HTMLButtonElement).addEventListener("click", async () => {
      byId("copied", HTMLElement).textContent = (await copied(byId("code", HTMLElement).textContent ?? ""))
        ? "Copied."
        : "The browser does not allow it: mark the code and copy it.";
    });
  }

  /** @param {string} key */
  preset(key) {
    const { channels, size, words } = PRESETS[key];
    Object.assign(this, { channels, size, layers: decode(words) });
  }

  address() {
    return new URLSearchParams({
      build: encode(this.layers),
      size: String(this.size),
      channels: String(this.channels),
    });
  }

  /** @param {URLSearchParams} words */
  take(words) {
    this.layers = decode(words.get("build") ?? "");
    const size = Number(words.get("size"));
    if (Number.isInteger(size) && size >= 1 && size <= 4096) this.size = size;
    this.channels = words.get("channels") === "3" ? 3 : 1;
  }

  draw() {
    const image = [this.channels, this.size, this.size];
    const outcomes = follow(this.layers, image);
    this.sizeField.value = String(this.size);
    this.channelsField.value = String(this.channels);
    // Rows are made anew only when blocks came or went: whoever types in one keeps the focus.
    const kinds = this.layers.map(({ kind }) => kind).join();
    if (this.list.dataset.kinds !== kinds) {
      this.list.dataset.kinds = kinds;
      this.list.replaceChildren(...this.layers.map((_, i) => this.block(i)));
    }
    [...this.list.children].forEach((row, i) =>
      this.fill(/** @type {HTMLElement} */ (row), this.layers[i], outcomes[i]),
    );
    this.drawCode(outcomes, image);
    this.onDraw(this.layers, outcomes, image);
  }

  /** @param {number} i */
  block(i) {
    const { kind } = this.layers[i];
    const { label, settings, does } = BLOCKS[kind];
    const fields = settings.map(({ key, label: words, min, max }) => {
      const field = make("input", { type: "number", min: String(min), max: String(max), "data-key": key });
      field.addEventListener("input", () => {
        const value = Number(field.value);
        if (!Number.isInteger(value) || value < min || value > max) return;
        this.layers = this.layers.map((layer, at) => (at === i ? { ...layer, [key]: value } : layer));
        this.draw();
      });
      return make("label", {}, `${words} `, field);
    });
    const tool = (/** @type {string} */ sign, /** @type {string} */ words, /** @type {() => void} */ act) => {
      const button = make("button", { type: "button", "aria-label": `${words} ${label}, layer ${i + 1}` }, sign);
      button.addEventListener("click", () => {
        act();
        this.draw();
      });
      return button;
    };
    const move = (/** @type {number} */ by) => () => {
      const to = i + by;
      if (to < 0 || to >= this.layers.length) return;
      const layers = [...this.layers];
      [layers[i], layers[to]] = [layers[to], layers[i]];
      this.layers = layers;
      queueMicrotask(() =>
        /** @type {HTMLElement | null} */ (
          this.list.children[to]?.querySelector(`.tools button:nth-child(${by < 0 ? 1 : 2})`)
        )?.focus(),
      );
    };
    const tools = make(
      "span",
      { class: "tools" },
      tool("↑", "Move up:", move(-1)),
      tool("↓", "Move down:", move(1)),
      tool("×", "Remove", () => {
        this.layers = this.layers.filter((_, at) => at !== i);
        queueMicrotask(() =>
          /** @type {HTMLElement | null} */ (
            this.list.children[Math.min(i, this.layers.length - 1)]?.querySelector(".tools button:last-child")
          )?.focus(),
        );
      }),
    );
    return make(
      "li",
      {},
      make("div", { class: "what" }, make("b", {}, label), make("span", { class: "hint" }, does)),
      make("div", { class: "fields" }, ...fields),
      make("div", { class: "facts" }, make("span", { class: "shape" }), make("span", { class: "count hint" })),
      tools,
      make("p", { class: "problem", role: "alert", hidden: "" }),
    );
  }

  /** @param {HTMLElement} row @param {Layer} layer @param {Outcome} outcome */
  fill(row, layer, { row: result, problem }) {
    const find = (/** @type {string} */ selector) => /** @type {HTMLElement} */ (row.querySelector(selector));
    for (const field of row.querySelectorAll("input")) {
      const value = String(/** @type {any} */ (layer)[field.dataset.key ?? ""]);
      if (document.activeElement !== field) field.value = value;
    }
    find(".shape").textContent = result ? shapeText(result.shape) : "";
    const counts = result?.parameters ? [`${grouped(result.parameters)} parameters`] : [];
    if (result)
      counts.push(
        Number.isFinite(result.field.size)
          ? `sees ${fieldText(result)} × ${fieldText(result)} pixels`
          : "sees the whole image",
      );
    find(".count").textContent = counts.join(" · ");
    row.classList.toggle("unknown", !result && !problem);
    row.classList.toggle("broken", Boolean(problem));
    const message = new Problem(find(".problem"));
    if (problem) message.tell(sentence(problem));
    else message.clear();
  }

  /** @param {Outcome[]} outcomes @param {number[]} image */
  drawCode(outcomes, image) {
    byId("as-torch", HTMLElement).setAttribute("aria-pressed", String(!this.asSightline));
    byId("as-sightline", HTMLElement).setAttribute("aria-pressed", String(this.asSightline));
    const whole = outcomes.length > 0 && outcomes.every(({ row }) => row);
    const code = !whole ? "" : (this.asSightline ? sightlineCode : sequentialCode)(this.layers, outcomes, image);
    byId("code", HTMLElement).textContent =
      code ||
      (whole
        ? "# A Sightline network has maps first, then Flatten or global pooling, and ends in Linear."
        : "# There is code as soon as every layer fits.");
    byId("copy", HTMLButtonElement).disabled = !code;
    byId("copied", HTMLElement).textContent = "";
  }
}
