/** The images that were watched: where the network looks, its maps, its answer, and how sure it was so far. */

import { range } from "../../shared/convolution.js";
import { drawImage, drawMaps, drawOverlay, unpacked } from "../../shared/heat.js";
import { counted, percent } from "../../shared/numbers.js";
import { byId, make } from "../../shared/page.js";

/** @typedef {import("../../shared/heat.js").Packed} Packed */
/** @typedef {import("./film.js").Film} Film */
/** @typedef {import("./film.js").Frame} Frame */
/** @typedef {{images: Packed, ids: string[], labels: number[], split: string, classes: string[]}} Watched */

/** @typedef {{values: Uint8Array, shape: number[]}} Bytes of one image */

const MAP_COLUMNS = 4;

export class Probes {
  /** @param {Watched} watched */
  constructor({ images, ids, labels, split, classes }) {
    this.probes = apart(images).map((image, i) => new Probe(image, ids[i], labels[i], classes));
    byId("probes", HTMLElement).replaceChildren(...this.probes.map(({ element }) => element));
    byId("probes-words", HTMLElement).textContent =
      `${counted(ids.length, `${split} image`)}: where the network looks for the true class (orange), ` +
      "feature maps of an early stage (bright is much), its answer, " +
      "and how probable it found the true class from snapshot to snapshot.";
  }

  /** @param {Frame} frame @param {Film} film the other snapshots */
  draw(frame, film) {
    const [cams, maps] = [frame.cams && apart(frame.cams), frame.maps && apart(frame.maps)];
    this.probes.forEach((probe, i) => {
      probe.drawCam(cams && cams[i]);
      probe.drawMaps(maps && maps[i]);
      probe.tell(frame.probabilities[i]);
      const trail = film.epochs.map((epoch) => film.frames.get(epoch)?.probabilities[i]);
      probe.drawTrail(trail, film.epochs.indexOf(frame.epoch));
    });
  }
}

class Probe {
  /** @param {Bytes} image @param {string} id @param {number} label of the true class @param {string[]} classes */
  constructor({ values, shape: [height, width, channels] }, id, label, classes) {
    this.label = label;
    this.classes = classes;
    const canvas = (/** @type {string} */ look) => make("canvas", { class: look, "aria-hidden": "true" });
    this.image = canvas("image");
    this.cam = canvas("cam");
    this.maps = canvas("maps");
    drawImage(this.image, values, [height, width, channels]);
    this.answer = make("p", { class: "answer" });
    this.bars = make("div", { class: "trail", role: "img", "aria-label": "Probability of the true class" });
    const truth = make("p", { class: "truth" }, make("b", {}, classes[label]), make("span", { class: "path" }, id));
    this.element = make(
      "li",
      {},
      make("div", { class: "seen" }, this.image, this.cam),
      this.maps,
      make("div", {}, truth, this.answer, this.bars),
    );
  }

  /** Where the network looks for the true class. @param {Bytes | null} cam */
  drawCam(cam) {
    this.cam.hidden = !cam;
    this.image.classList.toggle("below", cam !== null);
    if (cam) drawOverlay(this.cam, cam.values, [cam.shape[0], cam.shape[1]]);
  }

  /** @param {Bytes | null} maps */
  drawMaps(maps) {
    this.maps.hidden = !maps;
    if (!maps) return;
    const [count, rows, columns] = maps.shape;
    drawMaps(this.maps, maps.values, [count, rows, columns], MAP_COLUMNS);
  }

  /** @param {number[]} probabilities of each class */
  tell(probabilities) {
    const best = probabilities.indexOf(Math.max(...probabilities));
    const verdict = best === this.label ? "right" : "wrong";
    this.answer.textContent = `${verdict}: ${this.classes[best]}, ${percent(probabilities[best])}`;
    this.answer.className = `answer ${verdict}`;
  }

  /**
   * How probable the true class was from snapshot to snapshot.
   * @param {(number[] | undefined)[]} trail probabilities of each class; undefined: not known yet @param {number} now
   */
  drawTrail(trail, now) {
    const bars = trail.map((probabilities, place) => {
      const bar = make("span", place === now ? { class: "now" } : {});
      bar.style.setProperty("--share", String(probabilities?.[this.label] ?? 0));
      return bar;
    });
    this.bars.replaceChildren(...bars);
    const value = percent(trail[now]?.[this.label] ?? 0);
    const words = `Probability of ${this.classes[this.label]} from snapshot to snapshot, now ${value}`;
    this.bars.setAttribute("aria-label", words);
  }
}

/** Bytes of several images, image by image. @param {Packed} packed @returns {Bytes[]} */
function apart(packed) {
  const bytes = unpacked(packed);
  const [count, ...shape] = packed.shape;
  const size = bytes.length / count;
  return range(count).map((i) => ({ values: bytes.subarray(i * size, (i + 1) * size), shape }));
}
