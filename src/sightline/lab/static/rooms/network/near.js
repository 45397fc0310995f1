/** The training pictures that look most alike to the network; found when asked, for the first time takes a while. */

import { fetchData } from "../../shared/data.js";
import { fixed } from "../../shared/numbers.js";
import { byId, make } from "../../shared/page.js";
import { problemLine } from "../../shared/problem.js";

/** @typedef {{label: string, id: string, similarity: number, uri: string}} Neighbour */

export class Near {
  constructor() {
    this.button = byId("near", HTMLButtonElement);
    this.list = byId("near-list", HTMLElement);
    this.words = /** @type {Node} */ (byId("near-words", HTMLElement).firstChild);
    this.told = this.words.textContent ?? "";
    this.picture = "";
    this.button.addEventListener("click", () => this.find());
  }

  /** Those of another picture can be asked for. @param {string} picture */
  offer(picture) {
    this.picture = picture;
    this.list.replaceChildren();
    this.button.hidden = false;
  }

  async find() {
    const { picture } = this;
    this.button.hidden = true;
    const wait = "Looking at the training pictures … the first time takes a while.";
    this.list.replaceChildren(make("li", { class: "hint" }, wait));
    try {
      const { neighbours, note } = await fetchData(`pictures/${picture}/nearest.json`);
      if (picture !== this.picture) return;
      this.list.replaceChildren(...neighbours.map(item));
      this.words.textContent = note ? `${this.told} ${note}` : this.told;
    } catch (error) {
      if (picture === this.picture) this.list.replaceChildren(problemLine(error, "li"));
    }
  }
}

/** @param {Neighbour} neighbour */
function item({ label, id, similarity, uri }) {
  const image = make("img", { src: uri, alt: id });
  return make("li", {}, image, make("span", {}, label), make("span", { class: "hint" }, fixed(similarity, 3)));
}
