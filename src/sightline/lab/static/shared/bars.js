/** A bar with a name before it and words behind it: one line of a small chart. */

import { grouped } from "./numbers.js";
import { make } from "./page.js";

const LEAST = 0.003; // of the longest bar: a count that is not nothing is seen

export class Bar {
  /** @param {string} name @param {string} [look] more classes of the line */
  constructor(name, look = "") {
    this.name = make("span", { class: "count-name" }, name);
    this.bar = make("span", { class: "count-bar" });
    this.words = make("span", { class: "count-words" });
    const track = make("span", { class: "count-track" }, this.bar);
    this.element = make("div", { class: `count ${look}`.trim() }, this.name, track, this.words);
  }

  /**
   * @param {number} share 0 to 1 of the whole length; below 0 it has another colour @param {...(Node | string)} words
   */
  show(share, ...words) {
    this.bar.style.setProperty("width", `${100 * Math.abs(share)}%`);
    this.bar.classList.toggle("below", share < 0);
    this.words.replaceChildren(...words);
    return this.element;
  }
}

/**
 * Bars of counts that are compared, in `place`; the function that comes back gives them lengths, words and other names.
 * @param {HTMLElement} place @param {string[]} names
 */
export function countBars(place, names) {
  const made = names.map((name) => new Bar(name));
  place.append(...made.map(({ element }) => element));
  return (/** @type {number[]} */ counts, /** @type {string[]} */ titles = names) => {
    counts.forEach((count, i) => {
      made[i].show(Math.max(LEAST, count / Math.max(...counts)), grouped(count));
      made[i].name.textContent = titles[i];
    });
  };
}
