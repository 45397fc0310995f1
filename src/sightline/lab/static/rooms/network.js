/** Your network: a picture flows through its layers; a layer opens into its channels, and a channel into one number. */

import { darkMode } from "../shared/colors.js";
import { about, fetchData, sendData } from "../shared/data.js";
import { drawImage, drawMaps, drawOverlay, sequential, unpacked } from "../shared/heat.js";
import { LayerPanel } from "./network/layer.js";
import { Pad } from "./network/pad.js";
import { counted, grouped } from "../shared/numbers.js";
import { byId, make } from "../shared/page.js";
import { drawScene } from "../shared/scene.js";
import { css, signed } from "../shared/colors.js";
import { Webcam } from "../shared/webcam.js";

/** @typedef {import("../shared/heat.js").Packed} Packed */
/**
 * @typedef {{name: string, kind: string, role: string, stage: string, shape: number[], parameters: number,
 *   field: number | null}} Layer
 */
/**
 * @typedef {{run: string, network: string, note: string, classes: string[], input: number[], parameters: number,
 *   unknown: boolean, draws: boolean, layers: Layer[]}} Network
 */
/** @typedef {{top: [string, number][], unknown: boolean}} Prediction */
/** @typedef {Packed & {high: number, signed: boolean, channels: number[]}} Strip */
/** @typedef {{class: string, map: Packed | null, why?: string}} Cam */
/**
 * @typedef {{image: Packed, truth: string | null, prediction: Prediction, cam: Cam, strips: (Strip | null)[]}} Overview
 */
/** @typedef {{id: string, truth: string | null, uri: string}} Picture */

const MANY = 40; // layers, from which on stages are folded

/** @type {Network} */
let network;
/** @type {Picture[]} */
let pictures = [];
let [picture, second] = ["", ""];
/** @type {Overview | null} */
let overview = null;
/** @type {Overview | null} */
let beside = null;
let [page, pages] = [0, 1];
let live = false;
let asked = 0; // so that an answer that comes late does not replace a newer one
/** @type {HTMLLIElement[]} */
let rows = [];
/** @type {LayerPanel | null} */
let panel = null;
/** @type {Pad | null} */
let pad = null;
const camOn = byId("cam-on", HTMLInputElement);
const camClass = byId("cam-class", HTMLSelectElement);
const secondSelect = byId("second", HTMLSelectElement);
const problem = byId("picture-problem", HTMLElement);

/** @param {string} id */
async function show(id) {
  const mine = ++asked;
  try {
    const found = await fetchData(`pictures/${id}/overview.json`);
    if (mine !== asked) return;
    [picture, overview] = [id, found];
    problem.hidden = true;
  } catch (error) {
    tell(error);
    return;
  }
  remember();
  drawAll();
  byId("near-list", HTMLElement).replaceChildren();
  byId("near", HTMLButtonElement).hidden = false;
  await panel?.show(picture, second);
}

/** @param {unknown} error */
function tell(error) {
  problem.textContent = error instanceof Error ? error.message : String(error);
  problem.hidden = false;
}

function drawAll() {
  if (!overview) return;
  const [height, width, channels] = overview.image.shape;
  drawImage(byId("image", HTMLCanvasElement), unpacked(overview.image), [height, width, channels]);
  byId("image", HTMLCanvasElement).classList.toggle("smooth", height > 64);
  byId("image", HTMLCanvasElement).setAttribute(
    "aria-label",
    `The picture as the network sees it${overview.truth === null ? "" : `: ${overview.truth}`}`,
  );
  byId("truth", HTMLElement).textContent =
    `As the network sees it, ${height} × ${width}${overview.truth === null ? "" : `; it is ${overview.truth}`}`;
  drawAnswer(overview.prediction, overview.truth);
  if (![...camClass.options].length) camClass.append(...network.classes.map((name) => make("option", {}, name)));
  camClass.value = overview.cam.class;
  camClass.disabled = !live;
  drawCam(overview.cam);
  network.layers.forEach((_, i) => drawStrip(i));
  for (const thumb of byId("pictures", HTMLElement).querySelectorAll("button"))
    thumb.setAttribute("aria-pressed", String(thumb.dataset.id === picture));
}

/** @param {Prediction} prediction @param {string | null} truth */
function drawAnswer({ top, unknown }, truth) {
  const bars = top.slice(0, 6).map(([label, probability]) => {
    const bar = make("span", { class: "count-bar" });
    bar.style.setProperty("width", `${100 * probability}%`);
    return make(
      "div",
      { class: `count answer-row${label === truth ? " true" : ""}` },
      make("span", { class: "count-name" }, label),
      make("span", { class: "count-track" }, bar),
      make("span", { class: "count-words" }, `${(100 * probability).toFixed(1)} %`),
    );
  });
  const [label, probability] = top[0];
  byId("finding", HTMLElement).textContent = unknown
    ? `${network.network} would call this ${label}, but it is unlike what it was trained on: unknown.`
    : `${network.network} says ${label}, ${(100 * probability).toFixed(1)} %${truth === null ? "" : truth === label ? ": right" : `: wrong, it is ${truth}`}.`;
  byId("answer", HTMLElement).replaceChildren(
    ...(unknown
      ? [
          make(
            "p",
            { class: "unknown" },
            make("b", {}, "unknown"),
            " unlike the training pictures; if it had to choose:",
          ),
        ]
      : []),
    ...bars,
  );
}

/** @param {Cam} cam */
function drawCam(cam) {
  const canvas = byId("cam", HTMLCanvasElement);
  canvas.hidden = !camOn.checked || !cam.map;
  byId("image", HTMLCanvasElement).classList.toggle("below", camOn.checked && Boolean(cam.map));
  byId("cam-words", HTMLElement).textContent = cam.map
    ? camOn.checked
      ? `Orange: what speaks for ${cam.class} (Grad-CAM).`
      : ""
    : `There is no Grad-CAM: ${cam.why}.`;
  if (cam.map) drawOverlay(canvas, unpacked(cam.map), [cam.map.shape[0], cam.map.shape[1]]);
}

/** @param {number} i */
function drawStrip(i) {
  const place = rows[i].querySelector(".strips");
  const found = [overview, beside].map((one) => one?.strips[i]).filter((strip) => strip !== undefined);
  place?.replaceChildren(
    ...found.map((strip) => {
      if (!strip) return make("span", { class: "hint" }, "no maps: a row of numbers");
      const canvas = make("canvas", { class: "strip-maps", "aria-hidden": "true" });
      const [count, height, width] = strip.shape;
      drawMaps(canvas, unpacked(strip), [count, height, width], count, strip.signed);
      return canvas;
    }),
  );
}

function buildFlow() {
  const many = network.layers.length > MANY;
  const list = byId("flow", HTMLElement);
  /** @type {HTMLOListElement} */
  let inner = make("ol");
  let stage = "";
  rows = network.layers.map((layer, i) => {
    const size = layer.shape.join(" × ");
    const button = make(
      "button",
      { type: "button", class: "layer-button", "aria-expanded": "false" },
      make("span", { class: "code" }, layer.kind),
      make("span", { class: "path" }, layer.name),
    );
    const facts = make(
      "span",
      { class: "facts" },
      make("span", { class: "shape" }, size),
      make(
        "span",
        { class: "hint" },
        [
          layer.parameters ? `${grouped(layer.parameters)} parameters` : "",
          layer.field === null ? "sees the whole image" : `sees ${layer.field} × ${layer.field}`,
        ]
          .filter(Boolean)
          .join(" · "),
      ),
    );
    const row = make(
      "li",
      { class: `layer ${layer.role}` },
      make("div", { class: "layer-head" }, button, facts, make("div", { class: "strips" })),
    );
    button.addEventListener("click", () => open(i));
    if (layer.stage !== stage) {
      stage = layer.stage;
      const own = network.layers.filter((other) => other.stage === stage);
      inner = make("ol");
      const parameters = own.reduce((sum, other) => sum + other.parameters, 0);
      const title = make(
        "summary",
        {},
        make("b", {}, stage),
        make(
          "span",
          { class: "hint" },
          ` ${counted(own.length, "layer")}, ${grouped(parameters)} parameters, ${own[own.length - 1].shape.join(" × ")}`,
        ),
      );
      const group = make("details", { class: "stage-group" }, title, inner);
      group.open = !many || i === 0;
      list.append(make("li", {}, group));
    }
    inner.append(row);
    return row;
  });
  byId("flow-words", HTMLElement).textContent =
    `${network.run ? `${network.run}: ` : ""}${network.network}, ${counted(network.layers.length, "layer")}, ${grouped(network.parameters)} parameters, for images of ${network.input.join(" × ")}. Each layer's strongest channels; press a layer to open it.${network.note ? ` Mind that ${network.note}.` : ""}`;
}

function drawLegend() {
  const bar = (/** @type {string} */ colors) => {
    const made = make("span", { class: "bar" });
    made.style.setProperty("background", `linear-gradient(90deg, ${colors})`);
    return made;
  };
  const steps = [0, 0.25, 0.5, 0.75, 1];
  byId("flow-legend", HTMLElement).replaceChildren(
    make(
      "span",
      {},
      bar(steps.map((share) => css(sequential(share))).join(", ")),
      make("span", { class: "ends" }, make("span", {}, "0"), make("span", {}, "the layer's most")),
    ),
    make(
      "span",
      {},
      bar([-1, 0, 1].map((value) => css(signed(value, 1))).join(", ")),
      make(
        "span",
        { class: "ends" },
        make("span", {}, "negative"),
        make("span", {}, "0"),
        make("span", {}, "positive"),
      ),
    ),
  );
}

/** Open a layer, or close it. @param {number} i */
async function open(i) {
  const wasOpen = panel?.number === i;
  if (panel) {
    panel.element.remove();
    rows[panel.number].querySelector("button")?.setAttribute("aria-expanded", "false");
    panel = null;
  }
  if (wasOpen || !overview) {
    remember();
    return;
  }
  panel = new LayerPanel(i, network.layers[i], { live });
  rows[i].append(panel.element);
  rows[i].querySelector("button")?.setAttribute("aria-expanded", "true");
  const group = rows[i].closest("details");
  if (group) group.open = true;
  remember();
  await panel.show(picture, second);
}

function remember() {
  const words = new URLSearchParams({ picture });
  if (panel) words.set("layer", String(panel.number));
  if (second) words.set("beside", second);
  history.replaceState(null, "", `#${words}`);
}

/** @param {number} to */
async function turn(to) {
  const found = await fetchData(`pictures/page-${to}.json`);
  pages = found.pages;
  page = to;
  pictures = [...pictures.filter(({ id }) => !id.startsWith("test-")), ...found.pictures];
  drawThumbs();
  const missing = byId("missing", HTMLElement);
  const ways = network.draws
    ? "Give a file, take a picture with the camera, or draw."
    : "Give a file, or take a picture with the camera.";
  missing.textContent = live ? `${found.missing} ${ways}` : found.missing;
  missing.hidden = !found.missing;
}

function drawThumbs() {
  byId("more", HTMLButtonElement).hidden = pages < 2;
  byId("pictures", HTMLElement).replaceChildren(
    ...pictures.map(({ id, truth, uri }) => {
      const button = make(
        "button",
        { type: "button", "data-id": id, "aria-pressed": String(id === picture) },
        make("img", { src: uri, alt: "" }),
        truth ?? (id === "drawing" ? "drawn" : "given"),
      );
      button.addEventListener("click", () => show(id));
      return button;
    }),
  );
  secondSelect.replaceChildren(
    make("option", { value: "" }, "nothing"),
    ...pictures.map(({ id, truth }) => make("option", { value: id }, `${truth ?? "given"} (${id})`)),
  );
  secondSelect.value = second;
}

/** @param {Blob} file */
async function give(file) {
  try {
    if (file.size > 20 * 2 ** 20) throw new Error("This file has more than 20 MB: choose a smaller one.");
    const { id, uri } = await sendData("pictures", file);
    add({ id, truth: null, uri });
    await show(id);
  } catch (error) {
    tell(error);
  }
}

/** @param {Picture} given */
function add(given) {
  pictures = [given, ...pictures.filter(({ id }) => id !== given.id)].slice(0, 32);
  drawThumbs();
}

/** @param {Uint8Array<ArrayBuffer>} ink @param {number} width */
async function drawn(ink, width) {
  if (!ink.some((level) => level >= 32)) return;
  try {
    const { id, uri, prediction } = await sendData(`draw?width=${width}`, ink);
    problem.hidden = true;
    drawAnswer(prediction, null);
    add({ id, truth: null, uri });
    clearTimeout(settle);
    settle = setTimeout(() => show(id), 300); // the layers follow when the pen rests
  } catch (error) {
    tell(error);
  }
}
let settle = 0;

function offerGiving() {
  for (const id of ["file-label", "camera", "draw", "near"]) byId(id, HTMLElement).hidden = !live;
  byId("draw", HTMLElement).hidden = !live || !network.draws;
  if (!live) return;
  const file = byId("file", HTMLInputElement);
  file.addEventListener("change", () => {
    const [chosen] = file.files ?? [];
    if (chosen) give(chosen);
    file.value = "";
  });
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    const [chosen] = event.dataTransfer?.files ?? [];
    if (chosen) give(chosen);
  });
  const webcam = new Webcam(byId("video", HTMLVideoElement));
  byId("camera", HTMLButtonElement).addEventListener("click", async () => {
    const place = byId("camera-place", HTMLElement);
    if (webcam.on) webcam.stop();
    else {
      try {
        await webcam.start();
        problem.hidden = true;
      } catch (error) {
        tell(error);
      }
    }
    place.hidden = !webcam.on;
  });
  byId("shoot", HTMLButtonElement).addEventListener("click", async () => give(await webcam.shoot()));
  byId("draw", HTMLButtonElement).addEventListener("click", () => {
    const place = byId("pad-place", HTMLElement);
    place.hidden = !place.hidden;
    pad ??= new Pad(place, drawn);
    if (place.hidden) return;
    pad.canvas.focus({ preventScroll: true });
    place.scrollIntoView({ block: "nearest" });
  });
}

async function findNear() {
  const words = byId("near-words", HTMLElement);
  const list = byId("near-list", HTMLElement);
  const [before, mine] = [words.firstChild?.textContent ?? "", picture];
  byId("near", HTMLButtonElement).hidden = true;
  list.replaceChildren(
    make("li", { class: "hint" }, "Looking at the training pictures … the first time takes a while."),
  );
  try {
    const { neighbours, note } = await fetchData(`pictures/${mine}/nearest.json`);
    if (mine !== picture) return;
    list.replaceChildren(
      ...neighbours.map((/** @type {{label: string, id: string, similarity: number, uri: string}} */ one) =>
        make(
          "li",
          {},
          make("img", { src: one.uri, alt: one.id }),
          make("span", {}, one.label),
          make("span", { class: "hint" }, one.similarity.toFixed(3)),
        ),
      ),
    );
    if (words.firstChild) words.firstChild.textContent = note ? `${before} ${note}` : before;
  } catch (error) {
    list.replaceChildren(make("li", { class: "problem" }, error instanceof Error ? error.message : String(error)));
  }
}

/** A picture to begin with where the network brings none. @returns {Promise<Blob>} */
function scene() {
  const canvas = new OffscreenCanvas(320, 240);
  drawScene(/** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d")));
  return canvas.convertToBlob();
}

async function start() {
  const lab = await about();
  live = lab.live;
  if (!lab.run) {
    throw new Error(
      live
        ? "The lab was opened without a run, so there is no network to look into. Close it and start it with one: sightline lab RUN, or sightline lab --model NAME. Or teach one here."
        : "This copy of the lab was made without a run. Make one with it: sightline lab --export DIR RUN",
    );
  }
  const finding = byId("finding", HTMLElement);
  finding.textContent = `Reading the network of ${lab.run.name} …`;
  network = await fetchData("network.json").catch((error) => {
    finding.textContent = "There is nothing to see yet.";
    throw error;
  });
  byId("network", HTMLElement).hidden = false;
  byId("alike", HTMLElement).hidden = !lab.run.trained;
  buildFlow();
  drawLegend();
  offerGiving();
  await turn(0);
  const words = new URLSearchParams(location.hash.slice(1));
  const wanted = words.get("picture") ?? "";
  const first = wanted || pictures[0]?.id;
  if (first) await show(first);
  if (!overview && pictures[0]) await show(pictures[0].id);
  if (!overview && live) await give(await scene());
  const layer = Number(words.get("layer") ?? "-1");
  if (words.has("layer") && network.layers[layer]) await open(layer);
  if (!live) await findNear();
}

byId("more", HTMLButtonElement).addEventListener("click", () => turn((page + 1) % pages));
byId("near", HTMLButtonElement).addEventListener("click", findNear);
camOn.addEventListener("change", () => overview && drawCam(overview.cam));
camClass.addEventListener("change", async () => {
  if (!overview) return;
  overview.cam = await fetchData(`pictures/${picture}/cam-${camClass.selectedIndex}.json`);
  camOn.checked = true;
  drawCam(overview.cam);
});
secondSelect.addEventListener("change", async () => {
  second = secondSelect.value;
  beside = second ? await fetchData(`pictures/${second}/overview.json`) : null;
  drawAll();
  remember();
  await panel?.show(picture, second);
});
darkMode.addEventListener("change", () => {
  drawAll();
  drawLegend();
  panel?.draw();
});

start().catch((error) => {
  const told = byId("problem", HTMLElement);
  told.textContent = error.message;
  told.hidden = false;
});
