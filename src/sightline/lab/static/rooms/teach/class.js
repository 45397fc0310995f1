/** One class: its pictures, and the ways to add some and to take some away. */

import { onChosen, onDropped } from "../../shared/files.js";
import { counted } from "../../shared/numbers.js";
import { make } from "../../shared/page.js";
import { onHold } from "./hold.js";

/** @typedef {{id: string, uri: string, split: string}} Picture */
/** @typedef {{name: string, pictures: Picture[]}} Class */
/**
 * @typedef {{change: (action: string, words: Record<string, string>) => Promise<void>,
 *   give: (name: string, pictures: Blob[]) => Promise<void>, shoot: (() => Promise<Blob>) | null}} Actions
 *  shoot: null where the camera is off.
 */

const SPLITS = /** @type {Record<string, string>} */ ({ train: "training", val: "validation", test: "test" });

/** "12 training, 3 test". @param {(split: string) => number | undefined} count */
export function splitInWords(count) {
  return Object.entries(SPLITS)
    .flatMap(([split, words]) => (count(split) ? [`${count(split)} ${words}`] : []))
    .join(", ");
}

/** @param {Class} shown @param {number} number among the classes @param {Actions} actions */
export function classSection({ name, pictures }, number, { change, give, shoot }) {
  const file = make("input", { type: "file", accept: "image/*", multiple: "" });
  onChosen(file, (files) => give(name, files));
  const shots = make("button", { type: "button", class: "button", id: `shoot-${number}` }, "Hold to take pictures");
  shots.hidden = !shoot;
  if (shoot) onHold(shots, async () => give(name, [await shoot()]));
  const rename = button("Rename", () => {
    const to = prompt(`Another name for ${name}`, name)?.trim();
    if (to && to !== name) change("rename", { name, to });
  });
  const remove = button("Remove", () => change("remove", { name }));
  const split = splitInWords((one) => pictures.filter((picture) => picture.split === one).length);
  const words = `${counted(pictures.length, "picture")}${split ? `: ${split}` : ""}`;
  const section = make(
    "section",
    { class: "class", "aria-label": name },
    make("div", { class: "row" }, make("h3", {}, name), make("span", { class: "hint" }, words), rename, remove),
    make(
      "div",
      { class: "row" },
      make("label", { class: "file" }, "Add pictures", file),
      shots,
      make("span", { class: "hint" }, "or drop them here"),
    ),
    make("div", { class: "gathered" }, ...pictures.map((picture) => thumb(name, picture, change))),
  );
  onDropped(section, (files) => give(name, files));
  return section;
}

/** @param {string} words @param {() => void} act */
function button(words, act) {
  const made = make("button", { type: "button", class: "plain" }, words);
  made.addEventListener("click", act);
  return made;
}

/**
 * A picture that goes when it is pressed.
 * @param {string} name of its class @param {Picture} picture @param {Actions["change"]} change
 */
function thumb(name, { id, uri, split }, change) {
  const title = split ? `${SPLITS[split] ?? split}; press to remove` : "press to remove";
  const attributes = { type: "button", "aria-label": `Remove ${id} of ${name}`, title };
  const made = make("button", attributes, make("img", { src: uri, alt: "" }));
  made.addEventListener("click", () => change("remove-picture", { name, file: id }));
  return made;
}
