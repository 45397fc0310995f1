/** Pictures to choose from: those of the test split, page by page, and before them those that the reader gave. */

import { fetchData } from "../../shared/data.js";
import { byId, make } from "../../shared/page.js";

/** @typedef {{id: string, truth: string | null, uri: string}} Picture */
/** @typedef {{onPicture: (id: string) => void, onBeside: (id: string) => void}} Handlers onBeside: "" for none */

const MOST = 32; // pictures at once

export class Pictures {
  /** @param {string} ways to give other pictures, told where test pictures are missing @param {Handlers} handlers */
  constructor(ways, { onPicture, onBeside }) {
    this.ways = ways;
    this.onPicture = onPicture;
    this.thumbs = byId("pictures", HTMLElement);
    this.beside = byId("second", HTMLSelectElement);
    this.beside.addEventListener("change", () => onBeside(this.beside.value));
    /** @type {Picture[]} */
    this.pictures = [];
    this.chosen = "";
  }

  /** Show another page of test pictures. @param {number} page @returns {Promise<number>} how many pages there are */
  async turn(page) {
    const answer = await fetchData(`pictures/page-${page}.json`);
    this.pictures = [...this.pictures.filter(({ id }) => !id.startsWith("test-")), ...answer.pictures];
    const missing = byId("missing", HTMLElement);
    missing.textContent = [answer.missing, this.ways].filter(Boolean).join(" ");
    missing.hidden = !answer.missing;
    this.draw();
    return answer.pages;
  }

  /** @param {Picture} picture */
  add(picture) {
    this.pictures = [picture, ...this.pictures.filter(({ id }) => id !== picture.id)].slice(0, MOST);
    this.draw();
  }

  /** Mark the one that is looked at. @param {string} id */
  choose(id) {
    this.chosen = id;
    for (const thumb of this.thumbs.querySelectorAll("button")) {
      thumb.setAttribute("aria-pressed", String(thumb.dataset.id === id));
    }
  }

  draw() {
    const thumbs = this.pictures.map(({ id, truth, uri }) => {
      const name = truth ?? (id === "drawing" ? "drawn" : "given");
      const button = make("button", { type: "button", "data-id": id }, make("img", { src: uri, alt: "" }), name);
      button.addEventListener("click", () => this.onPicture(id));
      return button;
    });
    this.thumbs.replaceChildren(...thumbs);
    this.choose(this.chosen);
    const { value } = this.beside;
    const options = this.pictures.map(({ id, truth }) => make("option", { value: id }, `${truth ?? "given"} (${id})`));
    this.beside.replaceChildren(make("option", { value: "" }, "nothing"), ...options);
    this.beside.value = value;
  }
}
