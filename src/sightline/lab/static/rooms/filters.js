/** Filters over a whole picture or the camera, live, with a loupe on the arithmetic. */

import { css, darkMode, grey, signed } from "../shared/colors.js";
import { colorPlanes, convolve, grayPlane, normalised } from "./filters/convolve.js";
import { about, fetchData } from "../shared/data.js";
import { FILTERS, filterAt, resized, sumMeaning } from "../shared/filters.js";
import { signedTable } from "../shared/heat.js";
import { drawKernels, reachOf } from "../shared/kernels.js";
import { drawLook, look, sumInWords } from "./filters/loupe.js";
import { decimal } from "../shared/numbers.js";
import { byId, make } from "../shared/page.js";
import { drawMiddle, readBitmap } from "../shared/picture.js";
import { check, radios } from "../shared/radios.js";
import { drawScene } from "../shared/scene.js";
import { Webcam } from "../shared/webcam.js";

/**
 * @typedef {{layer: string, network: string, values: number[][][][], bias: number[], mean: number[], std: number[]}}
 *   Learnt
 */
/** @typedef {import("./filters/convolve.js").Plane} Plane */

const [WIDTH, HEIGHT, SMALL] = [320, 240, 4]; // pixels; small pictures of all filters are so many times smaller
const source = byId("source", HTMLCanvasElement);
const context = /** @type {CanvasRenderingContext2D} */ (source.getContext("2d", { willReadFrequently: true }));
const shown = byId("result", HTMLCanvasElement);
const problem = byId("problem", HTMLElement);
const webcam = new Webcam(byId("video", HTMLVideoElement));
const still = new OffscreenCanvas(WIDTH, HEIGHT); // the picture without the loupe's frame
const stillContext = /** @type {OffscreenCanvasRenderingContext2D} */ (
  still.getContext("2d", { willReadFrequently: true })
);

const state = {
  filter: "sobel",
  size: 3,
  weights: FILTERS.sobel.weights,
  divisor: 1,
  learnt: -1,
  relu: false,
  absolute: false,
  at: /** @type {[number, number]} */ ([120, 150]),
};
const names = Object.fromEntries(Object.entries(FILTERS).map(([key, { name }]) => [key, name]));
/** @type {Record<string, HTMLButtonElement> | undefined} made when the page is ready for them */
let chips;
/** @type {Learnt | null} */
let learnt = null;
/** @type {ImageData | undefined} of the page's start until the first is there */
let picture;
/** @type {Plane} */
let result;
/** @type {Plane[]} */
let planes = [];
let reach = 1; // the value at the ends of the scale
let frames = { count: 0, since: 0 };

/**
 * Kernels of what is chosen, one a plane of the picture, the planes they look at, and the bias.
 * @param {ImageData} image @returns {import("./filters/loupe.js").Operands}
 */
function operands(image) {
  if (learnt && state.learnt >= 0) {
    const { values, mean, std, bias } = learnt;
    const kernels = values[state.learnt];
    const seen = kernels.length === 3 ? colorPlanes(image) : [grayPlane(image)];
    return { planes: seen.map((plane, c) => normalised(plane, mean[c], std[c])), kernels, bias: bias[state.learnt] };
  }
  return {
    planes: [grayPlane(image)],
    kernels: [state.weights.map((row) => row.map((weight) => weight / state.divisor))],
    bias: 0,
  };
}

function compute() {
  picture = stillContext.getImageData(0, 0, WIDTH, HEIGHT);
  const given = operands(picture);
  planes = given.planes;
  result = convolve(planes, given.kernels, given.bias);
  reach = reachOfPlane(result, webcam.on ? reach : 0);
  paint(shown, result, reach);
  shown.setAttribute(
    "aria-label",
    `The picture after the filter ${state.learnt >= 0 ? `number ${state.learnt + 1}` : (FILTERS[state.filter]?.name ?? "of your own")}`,
  );
  drawSource();
}

/**
 * Signed, or as a grey image: what keeps an even area's brightness is one.
 * @param {HTMLCanvasElement} canvas @param {Plane} plane
 * @param {number} reach the value at the ends of the scale
 */
function paint(canvas, { height, width, values }, reach) {
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  const isGray = state.absolute || isImage();
  const table = isGray
    ? Array.from({ length: 256 }, (_, i) => /** @type {[number, number, number]} */ ([i, i, i]))
    : signedTable();
  const image = new ImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  const packed = Uint32Array.from(table, ([r, g, b]) => (255 << 24) | (b << 16) | (g << 8) | r);
  for (let i = 0; i < values.length; i += 1) {
    const value = state.relu && values[i] < 0 ? 0 : values[i];
    const share = state.absolute ? Math.abs(value) / reach : isGray ? value / reach : (value / reach + 1) / 2;
    pixels[i] = packed[Math.max(0, Math.min(255, Math.round(255 * share)))];
  }
  /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d")).putImageData(image, 0, 0);
}

/** Whether the filter gives an image again: its weights sum to 1. */
function isImage() {
  return (
    state.learnt < 0 &&
    Math.abs(state.weights.flat().reduce((sum, weight) => sum + weight, 0) / state.divisor - 1) < 1e-9
  );
}

/**
 * The largest magnitude in a plane, which stands at the ends of the scale; 1 for images.
 * @param {Plane} plane @param {number} [before] of the picture before, so that a film does not flicker
 */
function reachOfPlane({ values }, before = 0) {
  if (isImage()) return 1;
  let most = 0.95 * before;
  for (const value of values) most = Math.max(most, Math.abs(value));
  return most || 1;
}

function drawSource() {
  context.drawImage(still, 0, 0);
  const [row, column] = state.at;
  const size = kernelSize();
  context.lineWidth = 2;
  context.strokeStyle = "#fff";
  context.strokeRect(column - 2, row - 2, size + 4, size + 4);
  context.strokeStyle = "#0b6e99";
  context.strokeRect(column - 4, row - 4, size + 8, size + 8);
}

function kernelSize() {
  return learnt && state.learnt >= 0 ? learnt.values[0][0].length : state.size;
}

function drawLoupe() {
  if (!picture) return;
  const given = operands(picture);
  const size = kernelSize();
  state.at = [Math.max(0, Math.min(HEIGHT - size, state.at[0])), Math.max(0, Math.min(WIDTH - size, state.at[1]))];
  const [row, column] = state.at;
  const seen = look(given, row, column);
  drawLook(byId("loupe", HTMLElement), seen, state.learnt < 0);
  byId("equation", HTMLElement).textContent =
    `Row ${row}, column ${column}: ${sumInWords(seen)}${state.relu && seen.total < 0 ? ", and after ReLU 0" : ""}`;
  source.setAttribute(
    "aria-label",
    `The picture. The loupe is at row ${row}, column ${column}, where the filter gives ${decimal(seen.total)}. Arrow keys move it.`,
  );
}

function drawAll() {
  const small = new OffscreenCanvas(WIDTH / SMALL, HEIGHT / SMALL);
  const smallContext = /** @type {OffscreenCanvasRenderingContext2D} */ (small.getContext("2d"));
  smallContext.imageSmoothingQuality = "high";
  smallContext.drawImage(still, 0, 0, small.width, small.height);
  const image = smallContext.getImageData(0, 0, small.width, small.height);
  const kept = { ...state };
  const place = byId("all", HTMLElement);
  if (place.childElementCount === 0) {
    place.append(
      ...Object.entries(names).map(([key, name]) => {
        const button = make(
          "button",
          { type: "button", "data-filter": key },
          make("canvas", { "aria-hidden": "true" }),
          name,
        );
        button.addEventListener("click", () => choose(key));
        return button;
      }),
    );
  }
  for (const button of place.querySelectorAll("button")) {
    Object.assign(state, { learnt: -1, ...filterAt(button.dataset.filter ?? "", 3) });
    const given = operands(image);
    const filtered = convolve(given.planes, given.kernels);
    paint(/** @type {HTMLCanvasElement} */ (button.firstElementChild), filtered, reachOfPlane(filtered));
  }
  Object.assign(state, kept);
}

function drawControls() {
  chips ??= radios("chosen", { ...names, own: "your own" }, (key) => (key === "own" ? own() : choose(key)));
  check(chips, state.learnt >= 0 ? "" : state.filter);
  byId("purpose", HTMLElement).textContent =
    state.learnt >= 0 && learnt
      ? `Filter ${state.learnt + 1} of ${learnt.layer}: nobody wrote it; ${learnt.network} has it from its training images.`
      : (FILTERS[state.filter]?.purpose ?? "A filter of your own.");
  const place = byId("weights", HTMLElement);
  place.hidden = state.learnt >= 0;
  place.style.setProperty("--columns", String(state.size));
  place.style.setProperty("--digits", "4");
  place.replaceChildren(
    ...state.weights.flatMap((row, r) =>
      row.map((weight, c) => {
        const cell = make("input", {
          class: "cell",
          type: "text",
          inputmode: "decimal",
          value: decimal(weight),
          "aria-label": `Weight, row ${r + 1}, column ${c + 1}`,
        });
        cell.addEventListener("change", () => {
          const value = Number(cell.value.replace("−", "-").replace(",", "."));
          if (!Number.isFinite(value) || Math.abs(value) > 999) {
            cell.value = decimal(weight);
            return;
          }
          state.weights = state.weights.map((line, y) => line.map((old, x) => (y === r && x === c ? value : old)));
          own();
        });
        return cell;
      }),
    ),
  );
  byId("size", HTMLSelectElement).value = String(state.size);
  const sum = state.weights.flat().reduce((total, weight) => total + weight, 0) / state.divisor;
  byId("weight-sum", HTMLElement).textContent =
    state.learnt >= 0
      ? ""
      : `${state.divisor === 1 ? "" : `Divided by ${decimal(state.divisor)}. `}The weights sum to ${decimal(sum)}. ${sumMeaning(sum)}`;
  for (const [i, button] of [...byId("learnt", HTMLElement).children].entries())
    button.setAttribute("aria-pressed", String(i === state.learnt));
  byId("relu", HTMLInputElement).checked = state.relu;
  byId("absolute", HTMLInputElement).checked = state.absolute;
}

function drawLegend() {
  const isGray = state.absolute || isImage();
  const bar = make("span", { class: "bar" });
  bar.style.setProperty(
    "background",
    `linear-gradient(90deg, ${(isGray ? [0, 1].map((share) => css(grey(share, 1))) : [-1, 0, 1].map((share) => css(signed(share, 1)))).join(", ")})`,
  );
  const ends = isGray ? ["0", decimal(reach)] : [decimal(-reach), "0", decimal(reach)];
  byId("legend", HTMLElement).replaceChildren(
    bar,
    make("span", { class: "ends" }, ...ends.map((end) => make("span", {}, end))),
  );
}

function refresh() {
  drawControls();
  compute();
  drawLegend();
  drawLoupe();
  remember();
}

/** @param {string} key */
function choose(key) {
  Object.assign(state, { filter: key, learnt: -1, ...filterAt(key, state.size) });
  refresh();
}

function own() {
  Object.assign(state, { filter: "own", learnt: -1 });
  refresh();
}

let address = "";
function remember() {
  const words = new URLSearchParams({ filter: state.filter, size: String(state.size) });
  if (state.filter === "own") words.set("weights", state.weights.flat().join(","));
  if (state.divisor !== 1) words.set("divisor", String(state.divisor));
  if (state.learnt >= 0) words.set("learnt", String(state.learnt));
  if (state.relu) words.set("relu", "1");
  if (state.absolute) words.set("absolute", "1");
  address = `#${words}`;
  history.replaceState(null, "", address);
}

function fromAddress() {
  const words = new URLSearchParams(location.hash.slice(1));
  const size = Number(words.get("size"));
  if ([3, 5, 7].includes(size)) state.size = size;
  const key = words.get("filter") ?? "";
  if (Object.hasOwn(FILTERS, key)) Object.assign(state, { filter: key, ...filterAt(key, state.size) });
  const weights = (words.get("weights") ?? "").split(",").map(Number);
  if (
    key === "own" &&
    weights.length === state.size ** 2 &&
    weights.every((weight) => Number.isFinite(weight) && Math.abs(weight) <= 999)
  ) {
    const divisor = Number(words.get("divisor") ?? 1);
    Object.assign(state, {
      filter: "own",
      divisor: divisor > 0 && Number.isFinite(divisor) ? divisor : 1,
      weights: Array.from({ length: state.size }, (_, r) => weights.slice(r * state.size, (r + 1) * state.size)),
    });
  }
  const chosen = Number(words.get("learnt") ?? -1);
  state.learnt = learnt && Number.isInteger(chosen) && chosen >= 0 && chosen < learnt.values.length ? chosen : -1;
  state.relu = words.get("relu") === "1";
  state.absolute = words.get("absolute") === "1";
}

function example() {
  webcam.stop();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [WIDTH, HEIGHT];
  drawScene(/** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d")));
  stillContext.drawImage(canvas, 0, 0);
  byId("source-words", HTMLElement).textContent = "drawn by this page, 320 × 240";
  drawAll();
  refresh();
}

/** @param {File} file */
async function give(file) {
  try {
    const bitmap = await readBitmap(file);
    webcam.stop();
    stillContext.imageSmoothingQuality = "high";
    drawMiddle(stillContext, bitmap, bitmap.width, bitmap.height);
    bitmap.close();
    byId("source-words", HTMLElement).textContent = `the middle of ${file.name}, 320 × 240`;
    problem.hidden = true;
    drawAll();
    refresh();
  } catch (error) {
    tell(error);
  }
}

/** @param {unknown} error */
function tell(error) {
  problem.textContent = error instanceof Error ? error.message : String(error);
  problem.hidden = false;
}

async function camera() {
  if (webcam.on) {
    webcam.stop();
    byId("camera", HTMLButtonElement).textContent = "Camera";
    return;
  }
  try {
    await webcam.start(640, 480);
  } catch (error) {
    tell(error);
    return;
  }
  problem.hidden = true;
  byId("camera", HTMLButtonElement).textContent = "Stop the camera";
  frames = { count: 0, since: performance.now() };
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [WIDTH, HEIGHT];
  const film = () => {
    if (!webcam.on) {
      byId("camera", HTMLButtonElement).textContent = "Camera";
      return;
    }
    webcam.draw(canvas);
    stillContext.save();
    stillContext.scale(-1, 1); // as in a mirror
    stillContext.drawImage(canvas, -WIDTH, 0);
    stillContext.restore();
    compute();
    frames.count += 1;
    const elapsed = performance.now() - frames.since;
    if (elapsed > 1000) {
      byId("source-words", HTMLElement).textContent =
        `your camera, ${Math.round((1000 * frames.count) / elapsed)} pictures a second`;
      frames = { count: 0, since: performance.now() };
      drawLegend();
      drawLoupe();
      drawAll();
    }
    requestAnimationFrame(film);
  };
  film();
}

async function start() {
  fromAddress();
  const { run } = await about().catch(() => ({ run: null }));
  if (run?.network) {
    learnt = await fetchData("kernels.json").catch(() => null);
    if (learnt) offerLearnt(learnt);
  }
  fromAddress();
  if (picture)
    refresh(); // a picture of one's own was quicker: it stays
  else example();
}

/** @param {Learnt} found */
function offerLearnt(found) {
  byId("learnt-place", HTMLElement).hidden = false;
  const reach = reachOf(found.values);
  const buttons = found.values.map((filter, i) => {
    const canvas = make("canvas", { "aria-hidden": "true" });
    const button = make("button", { type: "button", "aria-pressed": "false", "aria-label": `Filter ${i + 1}` }, canvas);
    drawKernels(canvas, [filter], reach);
    button.addEventListener("click", () => {
      state.learnt = i;
      refresh();
    });
    return button;
  });
  byId("learnt", HTMLElement).replaceChildren(...buttons);
  byId("learnt-words", HTMLElement).textContent =
    `${found.layer} of ${found.network}${found.values[0].length === 3 ? ", which sees red, green and blue, one below the other" : ""}.`;
}

for (const name of ["pointermove", "pointerdown"]) {
  source.addEventListener(name, (event) => {
    const box = source.getBoundingClientRect();
    const { clientX, clientY } = /** @type {PointerEvent} */ (event);
    const half = Math.floor(kernelSize() / 2);
    state.at = [
      Math.floor(((clientY - box.top) / box.height) * HEIGHT) - half,
      Math.floor(((clientX - box.left) / box.width) * WIDTH) - half,
    ];
    drawLoupe();
    drawSource();
  });
}
source.addEventListener("keydown", (event) => {
  const move = /** @type {Record<string, [number, number]>} */ ({
    ArrowUp: [-1, 0],
    ArrowDown: [1, 0],
    ArrowLeft: [0, -1],
    ArrowRight: [0, 1],
  })[event.key];
  if (!move) return;
  event.preventDefault();
  const far = event.shiftKey ? 10 : 1;
  state.at = [state.at[0] + far * move[0], state.at[1] + far * move[1]];
  drawLoupe();
  drawSource();
});
byId("size", HTMLSelectElement).addEventListener("change", () => {
  const size = Number(byId("size", HTMLSelectElement).value);
  if (Object.hasOwn(FILTERS, state.filter)) Object.assign(state, { size, learnt: -1, ...filterAt(state.filter, size) });
  else Object.assign(state, { size, learnt: -1, weights: resized(state.weights, size) });
  refresh();
});
for (const name of /** @type {("relu" | "absolute")[]} */ (["relu", "absolute"])) {
  byId(name, HTMLInputElement).addEventListener("change", () => {
    state[name] = byId(name, HTMLInputElement).checked;
    drawAll();
    refresh();
  });
}
byId("example", HTMLButtonElement).addEventListener("click", example);
byId("camera", HTMLButtonElement).addEventListener("click", camera);
byId("file", HTMLInputElement).addEventListener("change", () => {
  const [chosen] = byId("file", HTMLInputElement).files ?? [];
  if (chosen) give(chosen);
});
addEventListener("dragover", (event) => event.preventDefault());
addEventListener("drop", (event) => {
  event.preventDefault();
  const [chosen] = event.dataTransfer?.files ?? [];
  if (chosen) give(chosen);
});
addEventListener("hashchange", () => {
  if (location.hash === address) return;
  fromAddress();
  refresh();
});
darkMode.addEventListener("change", () => {
  drawAll();
  refresh();
});
start();
