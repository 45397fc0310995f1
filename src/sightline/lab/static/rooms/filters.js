/** Filters over a whole picture or the camera, live, with a loupe on the arithmetic. */

import { Address } from "../shared/address.js";
import { darkMode } from "../shared/colors.js";
import { about, fetchData } from "../shared/data.js";
import { onChosen, onDropped } from "../shared/files.js";
import { FILTERS } from "../shared/filters.js";
import { mapLegend } from "../shared/legend.js";
import { decimal } from "../shared/numbers.js";
import { byId } from "../shared/page.js";
import { readBitmap } from "../shared/picture.js";
import { Problem } from "../shared/problem.js";
import { Choice } from "./filters/choice.js";
import { Film } from "./filters/film.js";
import { filtered, isGrey, operandsOf, paint, reachOfPlane } from "./filters/filtered.js";
import { Gallery } from "./filters/gallery.js";
import { drawLook, look, sumInWords } from "./filters/loupe.js";
import { fromWords, named, toWords, usual } from "./filters/settings.js";
import { Source } from "./filters/source.js";

/** @typedef {import("./filters/settings.js").Settings} Settings */

const SMALL = 4; // pictures of all filters are so many times smaller

class FiltersRoom {
  constructor() {
    this.settings = usual();
    /** @type {import("./filters/filtered.js").Learnt | null} */
    this.learnt = null;
    /** @type {import("./filters/loupe.js").Operands | null} of the picture; null as long as there is none */
    this.operands = null;
    this.reach = 1; // the value at the ends of the scale
    this.result = byId("result", HTMLCanvasElement);
    this.problem = new Problem(byId("problem", HTMLElement));
    this.address = new Address(() => this.change(this.inAddress()));
    this.source = new Source(byId("source", HTMLCanvasElement), () => this.drawLoupe());
    this.gallery = new Gallery(byId("all", HTMLElement), (filter) => this.change(named(filter, this.settings.size)));
    this.choice = new Choice(
      () => this.settings,
      (some) => this.change(some),
    );
    this.film = new Film(byId("video", HTMLVideoElement), {
      onPicture: () => {
        this.source.mirror(this.film.video);
        this.compute();
      },
      onSecond: (pictures) => {
        this.say(`your camera, ${pictures} pictures a second`);
        this.drawScale();
        this.drawLoupe();
        this.drawGallery();
      },
      onEnd: () => this.nameCamera(),
    });
    this.listen();
  }

  listen() {
    byId("example", HTMLButtonElement).addEventListener("click", () => this.example());
    byId("camera", HTMLButtonElement).addEventListener("click", () => this.camera());
    onChosen(byId("file", HTMLInputElement), ([file]) => this.give(file));
    onDropped(window, ([file]) => this.give(file));
    darkMode.addEventListener("change", () => {
      this.choice.drawLearnt();
      this.drawGallery();
      this.refresh();
    });
  }

  async start() {
    this.settings = this.inAddress();
    const { run } = await about().catch(() => ({ run: null }));
    this.learnt = run?.network ? await fetchData("kernels.json").catch(() => null) : null;
    if (this.learnt) this.choice.offer(this.learnt);
    this.settings = this.inAddress(); // again: the address may name a filter that was learnt
    if (this.operands) this.refresh();
    else this.example(); // or else a picture of one's own was quicker: it stays
  }

  inAddress() {
    return fromWords(this.address.words, this.learnt?.values.length ?? 0);
  }

  /** @param {Partial<Settings>} some */
  change(some) {
    const { relu, absolute } = this.settings;
    this.settings = { ...this.settings, ...some };
    if (relu !== this.settings.relu || absolute !== this.settings.absolute) this.drawGallery();
    this.refresh();
  }

  /** All that follows from the settings and the picture. */
  refresh() {
    this.choice.draw();
    this.compute();
    this.drawScale();
    this.drawLoupe();
    this.address.keep(toWords(this.settings));
  }

  compute() {
    const { settings, learnt } = this;
    this.operands = operandsOf(this.source.image, settings, learnt);
    const plane = filtered(this.operands);
    this.reach = reachOfPlane(plane, settings, this.film.on ? this.reach : 0);
    paint(this.result, plane, this.reach, settings);
    const name = settings.learnt >= 0 ? `number ${settings.learnt + 1}` : FILTERS[settings.filter]?.name;
    this.result.setAttribute("aria-label", `The picture after the filter ${name ?? "of your own"}`);
    this.source.draw(this.operands.kernels[0].length);
  }

  drawScale() {
    mapLegend(byId("legend", HTMLElement), !isGrey(this.settings), this.reach);
  }

  drawLoupe() {
    if (!this.operands) return;
    const { row, column } = this.source;
    const view = look(this.operands, row, column);
    drawLook(byId("loupe", HTMLElement), view, this.settings.learnt < 0);
    const after = this.settings.relu && view.total < 0 ? ", and after ReLU 0" : "";
    byId("equation", HTMLElement).textContent = `Row ${row}, column ${column}: ${sumInWords(view)}${after}`;
    const place = `The loupe is at row ${row}, column ${column}, where the filter gives ${decimal(view.total)}.`;
    this.source.canvas.setAttribute("aria-label", `The picture. ${place} Arrow keys move it.`);
  }

  drawGallery() {
    this.gallery.draw(this.source.smaller(SMALL), this.settings);
  }

  /** A picture has come. @param {string} words what it is */
  take(words) {
    this.say(`${words}, 320 × 240`);
    this.drawGallery();
    this.refresh();
  }

  /** @param {string} words */
  say(words) {
    byId("source-words", HTMLElement).textContent = words;
  }

  example() {
    this.film.stop();
    this.source.takeScene();
    this.take("drawn by this page");
  }

  /** @param {File} file */
  async give(file) {
    const image = await this.problem.attempt(() => readBitmap(file));
    if (!image) return;
    this.film.stop();
    this.source.take(image);
    image.close();
    this.take(`the middle of ${file.name}`);
  }

  async camera() {
    if (this.film.on) this.film.stop();
    else await this.problem.attempt(() => this.film.start());
    this.nameCamera();
  }

  nameCamera() {
    byId("camera", HTMLButtonElement).textContent = this.film.on ? "Stop the camera" : "Camera";
  }
}

await new FiltersRoom().start();
