/** The picture after every filter that has a name, small. */

import { FILTERS } from "../../shared/filters.js";
import { make } from "../../shared/page.js";
import { filtered, operandsOf, paint, reachOfPlane } from "./filtered.js";
import { named } from "./settings.js";

const SIZE = 3; // of the filters

export class Gallery {
  /** @param {HTMLElement} place @param {(filter: string) => void} onChoose */
  constructor(place, onChoose) {
    this.entries = Object.entries(FILTERS).map(([filter, { name }]) => {
      const canvas = make("canvas", { "aria-hidden": "true" });
      const button = make("button", { type: "button" }, canvas, name);
      button.addEventListener("click", () => onChoose(filter));
      place.append(button);
      return { filter, canvas };
    });
  }

  /** @param {ImageData} image @param {import("./settings.js").Settings} settings of which only the filter is another */
  draw(image, settings) {
    for (const { filter, canvas } of this.entries) {
      const own = { ...settings, ...named(filter, SIZE) };
      const plane = filtered(operandsOf(image, own, null));
      paint(canvas, plane, reachOfPlane(plane, own), own);
    }
  }
}
