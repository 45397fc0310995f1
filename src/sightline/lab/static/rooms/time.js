/** The time machine: everything that was kept of a training moves with one slider; a training that runs is followed. */

import { darkMode } from "../shared/colors.js";
import { aboutRun, fetchData } from "../shared/data.js";
import { LearningCurves } from "../shared/learning.js";
import { counted, percent } from "../shared/numbers.js";
import { byId } from "../shared/page.js";
import { Problem, reason } from "../shared/problem.js";
import { drawConfusion } from "./time/confusion.js";
import { Film } from "./time/film.js";
import { showKernels } from "./time/kernels.js";
import { watch } from "./time/live.js";
import { Probes } from "./time/probes.js";
import { Transport } from "./time/transport.js";

/** @typedef {import("./time/film.js").Frame} Frame */
/** @typedef {import("./time/film.js").News} News */
/** @typedef {import("./time/probes.js").Watched} Watched */
/** @typedef {News & {probes: Watched | null, complete: boolean}} Index */

class TimeMachine {
  constructor() {
    this.film = new Film();
    this.place = 0; // among the snapshots
    /** @type {Watched | null} */
    this.watched = null;
    /** @type {Probes | null} */
    this.probes = null;
    this.finding = byId("finding", HTMLElement);
    this.transport = new Transport((place) => this.go(place));
    this.curves = new LearningCurves(byId("loss", HTMLElement), byId("accuracy", HTMLElement), (epoch) => {
      const nearest = this.film.nearest(epoch);
      if (nearest !== this.place) this.transport.moveTo(nearest);
    });
    darkMode.addEventListener("change", () => this.go(this.place));
  }

  /** @param {Index} index @param {boolean} live whether a server answers, which knows what is new */
  async start(index, live) {
    this.introduce(index.probes);
    this.film.take(index);
    await this.go(index.epochs.length - 1);
    if (live && !index.complete) watch((news) => this.take(news));
    // Fetched beforehand, so that the slider moves without waiting.
    for (const epoch of index.epochs) await this.film.frame(epoch).catch(() => null);
    await this.go(this.place);
  }

  /** @param {Watched | null} watched */
  introduce(watched) {
    this.watched = watched;
    this.probes = watched && new Probes(watched);
  }

  /** @param {News} news */
  async take(news) {
    const { epochs } = this.film;
    const [before, epoch] = [epochs.length, epochs[this.place]];
    this.film.take(news);
    if (news.epochs.length && !this.probes) this.introduce((await fetchData("time/index.json")).probes);
    const newest = this.transport.follow.checked || !before;
    // Not the same place: others may have gone from before it.
    await this.go(newest ? this.film.epochs.length - 1 : this.film.nearest(epoch));
  }

  /** Show another snapshot. @param {number} to */
  async go(to) {
    const { epochs, history } = this.film;
    if (!epochs.length) {
      this.curves.draw(history, history.at(-1)?.epoch ?? 1);
      return;
    }
    this.place = Math.min(epochs.length - 1, Math.max(0, to));
    const epoch = epochs[this.place];
    const isShown = () => this.film.epochs[this.place] === epoch;
    this.transport.show(this.place, epochs);
    this.curves.draw(history, epoch);
    try {
      const frame = await this.film.frame(epoch);
      if (isShown()) this.draw(frame);
    } catch (error) {
      // A snapshot that gives way to later ones is not listed any more when the next news come.
      if (isShown()) this.finding.textContent = reason(error);
    }
  }

  /** @param {Frame} frame */
  draw(frame) {
    this.finding.textContent = recognised(frame, this.film.frames.get(this.film.epochs[0]));
    showKernels(frame.kernels, this.film.reach);
    byId("confusion-place", HTMLElement).hidden = !frame.confusion || !this.watched;
    if (frame.confusion && this.watched) drawConfusion(frame.confusion, this.watched.classes, frame.epoch);
    this.probes?.draw(frame, this.film);
  }
}

/** One sentence: how much the network recognises, and how much it did. @param {Frame} frame @param {Frame} [first] */
function recognised({ epoch, right: [right, of] }, first) {
  if (!of) return `The network after epoch ${epoch}.`;
  const images = counted(of, "validation image");
  const now = `After epoch ${epoch} the network recognises ${percent(right / of)} of ${images}`;
  if (!first || first.epoch === epoch || !first.right[1]) return `${now}.`;
  return `${now}; after epoch ${first.epoch} it was ${percent(first.right[0] / first.right[1])}.`;
}

/** Why there is nothing to move through. @param {string} run its name @param {boolean} hasEpochs */
function withoutSnapshots(run, hasEpochs) {
  return hasEpochs
    ? `The run ${run} kept no snapshots: those of a frozen backbone's head, and of older versions, have none.`
    : `${run} has no epochs to look at: only a new head was fitted, on a pretrained network that stayed as it was. ` +
        "Train it with --finetune auto to watch one learn.";
}

async function start() {
  const { live, run } = await aboutRun("training to look at");
  if (!run.trained) {
    const way = "Train it on pictures of your own, and open that run: sightline lab RUN";
    throw new Error(`${run.name} came ready-made: there is no training of it here. ${way}`);
  }
  /** @type {Index} */
  const index = await fetchData("time/index.json");
  if (!index.epochs.length && index.complete) throw new Error(withoutSnapshots(run.name, index.history.length > 0));
  byId("machine", HTMLElement).hidden = false;
  await new TimeMachine().start(index, live);
}

await new Problem(byId("problem", HTMLElement)).attempt(start);
