/** The time machine: everything that was kept of a training moves with one slider; a training that runs is followed. */

import { css, darkMode, inkOn, signed } from "../shared/colors.js";
import { Curves } from "../shared/curves.js";
import { about, dataUrl, fetchData } from "../shared/data.js";
import { drawImage, drawMaps, drawOverlay, sequential, unpacked } from "../shared/heat.js";
import { drawKernels, reachOf } from "../shared/kernels.js";
import { counted } from "../shared/numbers.js";
import { byId, make, still } from "../shared/page.js";

/** @typedef {import("../shared/heat.js").Packed} Packed */
/**
 * @typedef {{epoch: number, train_loss: number | null, val_loss: number | null, val_accuracy: number | null,
 *   val_interval: [number, number] | null}} Epoch
 */
/** @typedef {{images: Packed, ids: string[], labels: number[], split: string, classes: string[]}} Probes */
/** @typedef {{layer: string, of: number, values: number[][][][]}} Kernels */
/**
 * @typedef {{epoch: number, kernels: Kernels | null, maps: (Packed & {layer: string, range: [number, number]}) | null,
 *   cams: Packed | null, probabilities: number[][], confusion: number[][] | null, right: [number, number]}} Frame
 */
/**
 * @typedef {{row: HTMLElement, image: HTMLCanvasElement, cam: HTMLCanvasElement, maps: HTMLCanvasElement,
 *   answer: HTMLElement, bars: HTMLElement}} Watched
 */

const FRAMES_A_SECOND = 2;
const ENDS = {
  complete: "This training is over.",
  other: "The lab shows another run now: reload this page to see it.",
  closed: "The lab was closed: start it again, then reload this page.",
};

/** @type {number[]} */
let epochs = [];
/** @type {Epoch[]} */
let history = [];
/** @type {Probes | null} */
let probes = null;
/** @type {Map<number, Frame>} */
const frames = new Map();
/** @type {Watched[]} */
let watched = [];
let place = 0; // among the epochs with snapshots
let timer = 0;
let live = false;

const scrub = byId("scrub", HTMLInputElement);
const follow = byId("follow", HTMLInputElement);
const percent = (/** @type {number} */ value) => `${value.toFixed(1)} %`;
const nearest = (/** @type {number} */ epoch) =>
  epochs.reduce((best, other, i) => (Math.abs(other - epoch) < Math.abs(epochs[best] - epoch) ? i : best), 0);
const moveTo = (/** @type {number} */ epoch) => {
  const near = nearest(epoch);
  if (near !== place) go(near, true);
};
const loss = new Curves(byId("loss", HTMLElement), "Loss", {
  limits: [0, Infinity],
  text: (value) => value.toFixed(2),
  onEpoch: moveTo,
});
const accuracy = new Curves(byId("accuracy", HTMLElement), "Validation images recognised", {
  text: percent,
  onEpoch: moveTo,
  limits: [0, 100],
});

/** Show another snapshot. @param {number} to @param {boolean} [byHand] then the newest is no longer followed */
async function go(to, byHand = false) {
  if (!epochs.length) {
    drawCurves(history.at(-1)?.epoch ?? 1);
    return;
  }
  place = Math.min(epochs.length - 1, Math.max(0, to));
  if (byHand) follow.checked = place === epochs.length - 1;
  scrub.max = String(epochs.length - 1);
  scrub.value = String(place);
  const epoch = epochs[place];
  scrub.setAttribute("aria-valuetext", `epoch ${epoch}`);
  byId("position", HTMLElement).textContent = `epoch ${epoch}`;
  byId("back", HTMLButtonElement).disabled = place === 0;
  byId("forward", HTMLButtonElement).disabled = place === epochs.length - 1;
  drawCurves(epoch);
  try {
    const frame = await frameOf(epoch);
    if (epochs[place] === epoch) draw(frame);
  } catch (error) {
    // A snapshot that gives way to later ones is not listed any more when the next news come.
    if (epochs[place] === epoch)
      byId("finding", HTMLElement).textContent = error instanceof Error ? error.message : String(error);
  }
}

/** @param {number} epoch @returns {Promise<Frame>} */
async function frameOf(epoch) {
  const known = frames.get(epoch);
  if (known) return known;
  const frame = await fetchData(`time/${epoch}.json`);
  frames.set(epoch, frame);
  return frame;
}

/** @param {number} epoch */
function drawCurves(epoch) {
  const line = (/** @type {(record: Epoch) => number | null} */ value) =>
    /** @type {[number, number][]} */ (
      history
        .map((record) => [record.epoch, value(record)])
        .filter(([, found]) => found !== null && Number.isFinite(found))
    );
  loss.draw(
    [
      { name: "training", tone: "quiet", points: line((record) => record.train_loss) },
      { name: "validation", tone: "accent", points: line((record) => record.val_loss) },
    ],
    epoch,
  );
  accuracy.draw(
    [
      {
        name: "",
        tone: "accent",
        points: line((record) => (record.val_accuracy === null ? null : 100 * record.val_accuracy)),
      },
    ],
    epoch,
  );
}

/** @param {Frame} frame */
function draw(frame) {
  tell(frame);
  showKernels(frame.kernels);
  drawConfusion(frame);
  watched.forEach((one, i) => drawProbe(one, frame, i));
}

/** @param {Frame} frame */
function tell(frame) {
  const [right, of] = frame.right;
  const first = frames.get(epochs[0]);
  const words = of
    ? `After epoch ${frame.epoch} the network recognises ${percent((100 * right) / of)} of ${counted(of, "validation image")}`
    : `The network after epoch ${frame.epoch}`;
  const before =
    of && first && first !== frame && first.right[1]
      ? `; after epoch ${first.epoch} it was ${percent((100 * first.right[0]) / first.right[1])}`
      : "";
  byId("finding", HTMLElement).textContent = `${words}${before}.`;
}

/** @param {Kernels | null} kernels */
function showKernels(kernels) {
  byId("kernels-place", HTMLElement).hidden = !kernels;
  if (!kernels) return;
  const reach = Math.max(...[...frames.values()].map((frame) => (frame.kernels ? reachOf(frame.kernels.values) : 0)));
  const { values } = kernels;
  const channels = values[0].length;
  const canvas = byId("kernels", HTMLCanvasElement);
  drawKernels(canvas, values, reach);
  const deep = channels > 1 ? `; a column is a filter, its first ${counted(channels, "channel")} below each other` : "";
  const shown =
    values.length < kernels.of ? `${values.length} of ${kernels.of} filters` : counted(values.length, "filter");
  const words = `${shown} of ${kernels.layer}${deep}`;
  canvas.setAttribute("aria-label", words);
  byId("kernels-words", HTMLElement).textContent =
    `${words}. Blue is below zero, orange above, up to ${reach.toPrecision(2)} either way.`;
  const bar = make("span", { class: "bar" });
  bar.style.setProperty(
    "background",
    `linear-gradient(90deg, ${[-1, 0, 1].map((value) => css(signed(value, 1))).join(", ")})`,
  );
  byId("kernels-legend", HTMLElement).replaceChildren(
    bar,
    make(
      "span",
      { class: "ends" },
      make("span", {}, `−${reach.toPrecision(2)}`),
      make("span", {}, "0"),
      make("span", {}, reach.toPrecision(2)),
    ),
  );
}

/** @param {Frame} frame */
function drawConfusion({ confusion, epoch }) {
  byId("confusion-place", HTMLElement).hidden = !confusion || !probes;
  if (!confusion || !probes) return;
  const { classes } = probes;
  const canvas = byId("confusion", HTMLCanvasElement);
  const few = classes.length <= 20;
  const cell = few ? 28 : Math.max(2, Math.floor(420 / classes.length));
  const margin = few ? 84 : 0;
  const side = margin + cell * classes.length;
  const sharp = Math.min(2, devicePixelRatio || 1);
  [canvas.width, canvas.height] = [side * sharp, side * sharp];
  canvas.style.setProperty("width", `${side}px`);
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.scale(sharp, sharp);
  const { color: ink, fontFamily } = getComputedStyle(canvas);
  context.font = `12px ${fontFamily}`;
  context.textBaseline = "middle";
  let worst = { truth: 0, named: 0, count: 0 };
  confusion.forEach((row, truth) => {
    const total = row.reduce((sum, count) => sum + count, 0);
    row.forEach((count, named) => {
      if (truth !== named && count > worst.count) worst = { truth, named, count };
      if (!count) return;
      const color = sequential(1 - count / total); // dark is much, as in the report
      context.fillStyle = css(color);
      context.fillRect(margin + named * cell, margin + truth * cell, cell - 1, cell - 1);
      if (!few) return;
      context.fillStyle = inkOn(color);
      context.textAlign = "center";
      context.fillText(String(count), margin + (named + 0.5) * cell, margin + (truth + 0.5) * cell);
    });
    if (!few) return;
    context.fillStyle = ink;
    context.textAlign = "right";
    context.fillText(cut(context, classes[truth], margin - 8), margin - 6, margin + (truth + 0.5) * cell);
    context.save();
    context.translate(margin + (truth + 0.5) * cell, margin - 6);
    context.rotate(-Math.PI / 2);
    context.textAlign = "left";
    context.fillText(cut(context, classes[truth], margin - 8), 0, 0);
    context.restore();
  });
  const words = worst.count
    ? `Most often ${classes[worst.truth]} is taken for ${classes[worst.named]} (${worst.count} times).`
    : "Nothing is taken for anything else.";
  canvas.setAttribute("aria-label", `Confusion matrix after epoch ${epoch}. ${words}`);
  byId("confusion-words", HTMLElement).textContent =
    `Rows are what it is, columns what it is called; darker is a larger share of the row. ${words}`;
}

/** @param {CanvasRenderingContext2D} context @param {string} words @param {number} room */
function cut(context, words, room) {
  let shown = words;
  while (shown.length > 1 && context.measureText(shown).width > room) shown = `${shown.slice(0, -2)}…`;
  return shown;
}

/** One row an image that was watched. @param {Probes} found */
function build(found) {
  const pixels = unpacked(found.images);
  const [, height, width, channels] = found.images.shape;
  watched = found.ids.map((id, i) => {
    const canvases = ["image", "cam", "maps"].map((name) => make("canvas", { class: name, "aria-hidden": "true" }));
    const answer = make("p", { class: "answer" });
    const bars = make("div", { class: "trail", role: "img", "aria-label": "Probability of the true class" });
    const row = make(
      "li",
      {},
      make("div", { class: "seen" }, canvases[0], canvases[1]),
      canvases[2],
      make(
        "div",
        {},
        make(
          "p",
          { class: "truth" },
          make("b", {}, found.classes[found.labels[i]]),
          make("span", { class: "path" }, id),
        ),
        answer,
        bars,
      ),
    );
    drawImage(canvases[0], pixels.subarray(i * height * width * channels), [height, width, channels]);
    return { row, image: canvases[0], cam: canvases[1], maps: canvases[2], answer, bars };
  });
  byId("probes", HTMLElement).replaceChildren(...watched.map(({ row }) => row));
}

/** @param {Watched} one @param {Frame} frame @param {number} i */
function drawProbe(one, frame, i) {
  if (!probes) return;
  const { classes, labels } = probes;
  one.cam.hidden = !frame.cams;
  one.image.classList.toggle("below", Boolean(frame.cams));
  if (frame.cams) {
    const [, rows, columns] = frame.cams.shape;
    drawOverlay(one.cam, unpacked(frame.cams).subarray(i * rows * columns), [rows, columns]);
  }
  one.maps.hidden = !frame.maps;
  if (frame.maps) {
    const [, count, rows, columns] = frame.maps.shape;
    drawMaps(one.maps, unpacked(frame.maps).subarray(i * count * rows * columns), [count, rows, columns], 4);
  }
  const best = frame.probabilities[i].reduce((most, value, k, all) => (value > all[most] ? k : most), 0);
  const right = best === labels[i];
  one.answer.textContent = `${right ? "right" : "wrong"}: ${classes[best]}, ${percent(100 * frame.probabilities[i][best])}`;
  one.answer.className = `answer ${right ? "right" : "wrong"}`;
  const trail = epochs.map((epoch) => frames.get(epoch)?.probabilities[i][labels[i]]);
  one.bars.replaceChildren(
    ...trail.map((value, k) => {
      const bar = make("span", k === place ? { class: "now" } : {});
      bar.style.setProperty("--share", String(value ?? 0));
      return bar;
    }),
  );
  one.bars.setAttribute(
    "aria-label",
    `Probability of ${classes[labels[i]]} from snapshot to snapshot, now ${percent(100 * frame.probabilities[i][labels[i]])}`,
  );
}

function play() {
  if (place === epochs.length - 1) go(0);
  const button = byId("play", HTMLButtonElement);
  button.classList.add("playing");
  button.setAttribute("aria-label", "Pause");
  timer = setInterval(() => {
    if (place >= epochs.length - 1) pause();
    else go(place + 1);
  }, 1000 / FRAMES_A_SECOND);
}

function pause() {
  clearInterval(timer);
  timer = 0;
  const button = byId("play", HTMLButtonElement);
  button.classList.remove("playing");
  button.setAttribute("aria-label", "Play");
}

/** Take in what is new. @param {{epochs: number[], history: Epoch[]}} state */
async function take(state) {
  const [before, shown] = [epochs.length, epochs[place]];
  [epochs, history] = [state.epochs, state.history];
  if (epochs.length && !probes) {
    ({ probes } = await fetchData("time/index.json"));
    if (probes) introduce(probes);
  }
  for (const epoch of frames.keys()) if (!epochs.includes(epoch)) frames.delete(epoch);
  await go(follow.checked || !before ? epochs.length - 1 : nearest(shown)); // others may have gone from before it
}

/** @param {Probes} found */
function introduce(found) {
  byId("probes-words", HTMLElement).textContent =
    `${counted(found.ids.length, `${found.split} image`)}: where the network looks for the true class (orange), feature maps of an early stage (bright is much), its answer, and how probable it found the true class from snapshot to snapshot.`;
  build(found);
}

function watch() {
  const told = byId("live", HTMLElement);
  const source = new EventSource(dataUrl("live"));
  live = true;
  byId("follow-label", HTMLElement).hidden = false;
  source.addEventListener("state", async ({ data }) => {
    const state = JSON.parse(data);
    told.textContent = `This training runs: ${counted(state.history.length, "epoch")} so far.`;
    await take(state);
  });
  source.addEventListener("problem", ({ data }) => {
    source.close();
    told.textContent = JSON.parse(data).error;
  });
  source.addEventListener("end", ({ data }) => {
    source.close();
    live = false;
    byId("follow-label", HTMLElement).hidden = true;
    told.textContent = ENDS[/** @type {keyof typeof ENDS} */ (JSON.parse(data).why)];
  });
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED && live)
      told.textContent = "The lab does not answer any more: start it again, then reload this page.";
  });
}

async function start() {
  const { live: served, run } = await about();
  if (!run) {
    throw new Error(
      served
        ? "The lab was opened without a run, so there is no training to look at. Close it and start it with one: sightline lab RUN"
        : "This copy of the lab was made without a run. Make one with it: sightline lab --export DIR RUN",
    );
  }
  if (!run.trained)
    throw new Error(
      `${run.name} came ready-made: there is no training of it here. Train it on pictures of your own, and open that run: sightline lab RUN`,
    );
  const index = await fetchData("time/index.json");
  probes = index.probes;
  if (!index.epochs.length && index.complete) {
    throw new Error(
      index.history.length
        ? `The run ${run.name} kept no snapshots: those of a frozen backbone's head, and of older versions, have none.`
        : `${run.name} has no epochs to look at: only a new head was fitted, on a pretrained network that stayed as it was. Train it with --finetune auto to watch one learn.`,
    );
  }
  byId("machine", HTMLElement).hidden = false;
  if (probes) introduce(probes);
  [epochs, history] = [index.epochs, index.history];
  await go(epochs.length - 1);
  if (served && !index.complete) watch();
  for (const epoch of epochs) await frameOf(epoch).catch(() => null); // so that the slider moves without waiting
  await go(place);
}

byId("back", HTMLButtonElement).addEventListener("click", () => go(place - 1, true));
byId("forward", HTMLButtonElement).addEventListener("click", () => go(place + 1, true));
byId("play", HTMLButtonElement).addEventListener("click", () => (timer ? pause() : play()));
scrub.addEventListener("input", () => {
  pause();
  go(Number(scrub.value), true);
});
darkMode.addEventListener("change", () => go(place));
if (still.matches) byId("play", HTMLButtonElement).hidden = true;

start().catch((error) => {
  const problem = byId("problem", HTMLElement);
  problem.textContent = error.message;
  problem.hidden = false;
});
