/** How a failure is told to the reader: in words, at the place it belongs to. */

import { make } from "./page.js";

/** What to say of something that was thrown. @param {unknown} error an Error, or the words themselves */
export function reason(error) {
  return error instanceof Error ? error.message : String(error);
}

/**
 * A line that stands where something else would have come. @template {"p" | "li"} Tag
 * @param {unknown} error @param {Tag} tag
 */
export function problemLine(error, tag) {
  return make(tag, { class: "problem" }, reason(error));
}

/** A place of the page, with role="alert", that is hidden while all is well. */
export class Problem {
  /** @param {HTMLElement} place */
  constructor(place) {
    this.place = place;
  }

  /** @param {unknown} error an Error, or the words themselves */
  tell(error) {
    const words = reason(error);
    if (this.place.textContent !== words) this.place.textContent = words; // read out once, not at every stroke of a key
    this.place.hidden = false;
  }

  clear() {
    this.place.hidden = true;
  }

  /**
   * What `act` gives; null where it fails, which is told. @template T
   * @param {() => T | Promise<T>} act @returns {Promise<T | null>}
   */
  async attempt(act) {
    try {
      const result = await act();
      this.clear();
      return result;
    } catch (error) {
      this.tell(error);
      return null;
    }
  }
}
