/** The picture as the network sees it, and over it where the network looks for a class (Grad-CAM). */

import { drawImage, drawOverlay, unpacked } from "../../shared/heat.js";
import { byId, make } from "../../shared/page.js";

/** @typedef {import("../../shared/heat.js").Packed} Packed */
/** @typedef {{class: string, map: Packed | null, why?: string}} Cam why: there is no map */

const SMOOTH = 64; // pixels, from which on a picture is enlarged smoothly

export class Seen {
  /**
   * @param {string[]} classes @param {boolean} live @param {(number: number) => void} onClass another one is looked for
   */
  constructor(classes, live, onClass) {
    this.image = byId("image", HTMLCanvasElement);
    this.overlay = byId("cam", HTMLCanvasElement);
    this.words = byId("cam-words", HTMLElement);
    this.wanted = byId("cam-on", HTMLInputElement);
    this.select = byId("cam-class", HTMLSelectElement);
    this.select.append(...classes.map((name) => make("option", {}, name)));
    this.select.disabled = !live;
    this.select.addEventListener("change", () => {
      this.wanted.checked = true;
      onClass(this.select.selectedIndex);
    });
    this.wanted.addEventListener("change", () => this.cam && this.drawCam(this.cam));
    /** @type {Cam | null} */
    this.cam = null;
  }

  /** @param {{image: Packed, truth: string | null, cam: Cam}} seen */
  draw({ image, truth, cam }) {
    const [height, width, channels] = image.shape;
    drawImage(this.image, unpacked(image), [height, width, channels]);
    this.image.classList.toggle("smooth", height > SMOOTH);
    this.image.setAttribute("aria-label", `The picture as the network sees it${truth === null ? "" : `: ${truth}`}`);
    const size = `As the network sees it, ${height} × ${width}`;
    byId("truth", HTMLElement).textContent = truth === null ? size : `${size}; it is ${truth}`;
    this.select.value = cam.class;
    this.drawCam(cam);
  }

  /** @param {Cam} cam */
  drawCam(cam) {
    this.cam = cam;
    const isVisible = this.wanted.checked && cam.map !== null;
    this.overlay.hidden = !isVisible;
    this.image.classList.toggle("below", isVisible);
    if (cam.map) drawOverlay(this.overlay, unpacked(cam.map), [cam.map.shape[0], cam.map.shape[1]]);
    const legend = isVisible ? `Orange: what speaks for ${cam.class} (Grad-CAM).` : "";
    this.words.textContent = cam.map ? legend : `There is no Grad-CAM: ${cam.why}.`;
  }
}
