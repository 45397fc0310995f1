/** Your network: a picture flows through its layers; a layer opens into its channels, and a channel into one number. */

import { Address } from "../shared/address.js";
import { darkMode } from "../shared/colors.js";
import { fetchData, aboutRun, sendData } from "../shared/data.js";
import { checkSize } from "../shared/files.js";
import { counted, grouped } from "../shared/numbers.js";
import { byId } from "../shared/page.js";
import { Problem } from "../shared/problem.js";
import { drawScene } from "../shared/scene.js";
import { drawAnswer } from "./network/answer.js";
import { Flow } from "./network/flow.js";
import { offerGiving } from "./network/giving.js";
import { Near } from "./network/near.js";
import { Pictures } from "./network/pictures.js";
import { Seen } from "./network/seen.js";

/**
 * @typedef {{run: string, network: string, note: string, classes: string[], input: number[], parameters: number,
 *   unknown: boolean, draws: boolean, layers: import("./network/flow.js").Layer[]}} Network draws: it can read drawings
 */
/**
 * @typedef {{image: import("../shared/heat.js").Packed, truth: string | null,
 *   prediction: import("./network/answer.js").Prediction, cam: import("./network/seen.js").Cam,
 *   strips: import("./network/flow.js").Strips}} Overview what the network makes of one picture
 */

const INK = 32; // of 255: what is fainter everywhere is an empty pad
const REST = 300; // milliseconds that the pen rests before the layers follow

class NetworkRoom {
  /** @param {Network} network @param {boolean} live whether a server answers, which can compute */
  constructor(network, live) {
    this.network = network;
    this.live = live;
    /** @type {{id: string, overview: Overview} | null} */
    this.picture = null;
    /** @type {{id: string, overview: Overview} | null} */
    this.beside = null;
    // How often each was asked for, so that an answer that comes late does not replace a newer one.
    this.asked = { picture: 0, beside: 0 };
    this.resting = 0;
    this.address = new Address();
    this.problem = new Problem(byId("picture-problem", HTMLElement));
    this.seen = new Seen(network.classes, live, (number) => this.lookFor(number));
    this.flow = new Flow(network.layers, live, () => this.remember());
    this.near = new Near();
    const ways = network.draws
      ? "Give a file, take a picture with the camera, or draw."
      : "Give a file, or take a picture with the camera.";
    this.pictures = new Pictures(live ? ways : "", {
      onPicture: (id) => this.show(id),
      onBeside: (id) => this.compare(id),
    });
    byId("flow-words", HTMLElement).textContent = about(network);
    if (live) {
      const onInk = (/** @type {Uint8Array<ArrayBuffer>} */ ink, /** @type {number} */ width) => this.read(ink, width);
      offerGiving(this.problem, (picture) => this.give(picture), network.draws ? onInk : null);
    }
    darkMode.addEventListener("change", () => {
      this.draw();
      this.flow.drawLegend();
      this.flow.panel?.draw();
    });
  }

  /** Show what the address holds, or else something to begin with. */
  async start() {
    const { words } = this.address;
    const pages = await this.pictures.turn(0);
    this.offerPages(pages);
    const [first] = this.pictures.pictures;
    const wanted = words.get("picture") || first?.id;
    if (wanted) await this.show(wanted);
    if (!this.picture && first) await this.show(first.id);
    if (!this.picture && this.live) await this.give(await scene());
    const beside = words.get("beside");
    if (beside) await this.compare(beside);
    const layer = Number(words.get("layer") ?? -1);
    if (this.network.layers[layer]) await this.flow.toggle(layer);
    if (!this.live) await this.near.find();
  }

  /** @param {number} pages of test pictures */
  offerPages(pages) {
    const more = byId("more", HTMLButtonElement);
    more.hidden = pages < 2;
    let page = 0;
    more.addEventListener("click", () => {
      page = (page + 1) % pages;
      this.problem.attempt(() => this.pictures.turn(page));
    });
  }

  /** Another picture. @param {string} id */
  async show(id) {
    const asked = (this.asked.picture += 1);
    try {
      const overview = await fetchData(`pictures/${id}/overview.json`);
      if (asked !== this.asked.picture) return;
      this.picture = { id, overview };
      this.problem.clear();
    } catch (error) {
      this.problem.tell(error);
      return;
    }
    this.pictures.choose(id);
    this.near.offer(id);
    await this.drawBoth();
  }

  /** Another picture beside it. @param {string} id "" for none */
  async compare(id) {
    const asked = (this.asked.beside += 1);
    const overview = id ? await this.problem.attempt(() => fetchData(`pictures/${id}/overview.json`)) : null;
    if (asked !== this.asked.beside) return;
    this.beside = overview && { id, overview };
    this.pictures.beside.value = overview ? id : "";
    await this.drawBoth();
  }

  get shown() {
    return [this.picture, this.beside].filter((one) => one !== null);
  }

  async drawBoth() {
    this.remember();
    this.draw();
    await this.flow.show(this.shown.map(({ id }) => id));
  }

  draw() {
    if (!this.picture) return;
    const { overview } = this.picture;
    this.seen.draw(overview);
    drawAnswer(this.network.network, overview.prediction, overview.truth);
    this.flow.draw(this.shown.map(({ overview: { strips } }) => strips));
  }

  /** Where does it look for another class? @param {number} number */
  async lookFor(number) {
    const { picture } = this;
    if (!picture) return;
    const cam = await this.problem.attempt(() => fetchData(`pictures/${picture.id}/cam-${number}.json`));
    if (!cam) return;
    picture.overview.cam = cam; // and not the old one, when all is drawn anew
    if (picture === this.picture) this.seen.drawCam(cam);
  }

  /** A picture of the reader's own. @param {Blob} picture */
  async give(picture) {
    const answer = await this.problem.attempt(() => {
      checkSize(picture);
      return sendData("pictures", picture);
    });
    if (!answer) return;
    this.pictures.add({ id: answer.id, truth: null, uri: answer.uri });
    await this.show(answer.id);
  }

  /** A drawing, while it is made. @param {Uint8Array<ArrayBuffer>} ink @param {number} width */
  async read(ink, width) {
    if (!ink.some((level) => level >= INK)) return;
    const answer = await this.problem.attempt(() => sendData(`draw?width=${width}`, ink));
    if (!answer) return;
    drawAnswer(this.network.network, answer.prediction, null);
    this.pictures.add({ id: answer.id, truth: null, uri: answer.uri });
    clearTimeout(this.resting);
    this.resting = setTimeout(() => this.show(answer.id), REST);
  }

  remember() {
    const words = new URLSearchParams({ picture: this.picture?.id ?? "" });
    if (this.flow.panel) words.set("layer", String(this.flow.panel.number));
    if (this.beside) words.set("beside", this.beside.id);
    this.address.keep(words);
  }
}

/** @param {Network} network */
function about({ run, network, note, layers, parameters, input }) {
  const name = run ? `${run}: ${network}` : network;
  const size = `${counted(layers.length, "layer")}, ${grouped(parameters)} parameters`;
  const warning = note ? ` Mind that ${note}.` : "";
  return (
    `${name}, ${size}, for images of ${input.join(" × ")}. ` +
    `Each layer's strongest channels; press a layer to open it.${warning}`
  );
}

/** A picture to begin with where the network brings none. */
function scene() {
  const canvas = new OffscreenCanvas(320, 240);
  drawScene(/** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d")));
  return canvas.convertToBlob();
}

async function start() {
  const { live, run } = await aboutRun("network to look into", ", or sightline lab --model NAME. Or teach one here.");
  const finding = byId("finding", HTMLElement);
  finding.textContent = `Reading the network of ${run.name} …`;
  const network = await fetchData("network.json").catch((error) => {
    finding.textContent = "There is nothing to see yet.";
    throw error;
  });
  byId("network", HTMLElement).hidden = false;
  byId("alike", HTMLElement).hidden = !run.trained;
  await new NetworkRoom(network, live).start();
}

await new Problem(byId("problem", HTMLElement)).attempt(start);
