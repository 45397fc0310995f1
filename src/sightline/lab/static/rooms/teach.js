/** Teach: gather pictures into classes, train, try. The server keeps everything; this page shows its state. */

import { about, fetchData, sendData } from "../shared/data.js";
import { checkSize } from "../shared/files.js";
import { byId } from "../shared/page.js";
import { Problem } from "../shared/problem.js";
import { Webcam } from "../shared/webcam.js";
import { classSection } from "./teach/class.js";
import { TrainingView } from "./teach/training.js";
import { Trial } from "./teach/trial.js";

/** @typedef {import("./teach/training.js").Training} Training */
/**
 * @typedef {{folder: string, classes: import("./teach/class.js").Class[], missing: string, hint: string,
 *   training: Training | null}} State missing: why it cannot be trained yet
 */

const LOOK_EVERY = 700; // milliseconds between two looks at a training that runs

class TeachRoom {
  /** @param {Problem} problem @param {State} state */
  constructor(problem, state) {
    this.problem = problem;
    this.state = state;
    this.polling = 0;
    this.webcam = new Webcam(byId("video", HTMLVideoElement));
    this.training = new TrainingView();
    this.trial = new Trial(this.webcam, problem);
    this.train = byId("train", HTMLButtonElement);
    this.train.addEventListener("click", () => this.change("train"));
    byId("stop", HTMLButtonElement).addEventListener("click", () => this.change("stop"));
    byId("camera", HTMLButtonElement).addEventListener("click", () => this.camera());
    byId("new-class", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      this.add(byId("name", HTMLInputElement));
    });
    this.draw();
  }

  /**
   * Ask the server for something, and show what became of it.
   * @param {string} action @param {Record<string, string>} [words]
   */
  async change(action, words = {}) {
    if (await this.problem.attempt(() => sendData(query(action, words), ""))) await this.refresh();
  }

  async refresh() {
    this.state = await fetchData("teach.json");
    this.draw();
  }

  draw() {
    this.drawClasses();
    this.drawTraining();
  }

  /** A new class. @param {HTMLInputElement} field with its name */
  async add(field) {
    const name = field.value.trim();
    if (await this.problem.attempt(() => sendData(query("add", { name }), ""))) field.value = "";
    await this.refresh();
  }

  /**
   * Pictures for a class; of those that cannot be taken the first is told.
   * @param {string} name @param {Blob[]} pictures
   */
  async give(name, pictures) {
    /** @type {unknown[]} */
    const refused = [];
    for (const picture of pictures) {
      try {
        checkSize(picture);
        await sendData(query("picture", { name }), picture);
      } catch (error) {
        refused.push(error);
      }
    }
    await this.refresh();
    if (refused.length) this.problem.tell(refused[0]);
    else this.problem.clear();
  }

  async camera() {
    if (this.webcam.on) this.webcam.stop();
    else await this.problem.attempt(() => this.webcam.start());
    byId("camera-place", HTMLElement).hidden = !this.webcam.on;
    byId("camera", HTMLButtonElement).textContent = this.webcam.on ? "Stop the camera" : "Use the camera";
    this.draw();
  }

  drawClasses() {
    const { classes, folder, missing, hint, training } = this.state;
    const actions = {
      change: this.change.bind(this),
      give: this.give.bind(this),
      shoot: this.webcam.on ? () => this.webcam.shoot() : null,
    };
    const focused = document.activeElement?.id;
    byId("classes", HTMLElement).replaceChildren(...classes.map((one, i) => classSection(one, i, actions)));
    if (focused) document.getElementById(focused)?.focus(); // it was drawn anew
    const place = folder
      ? `Kept in ${folder}, where the lab was started`
      : "What you gather is kept in a new folder taught-1 where the lab was started";
    byId("folder", HTMLElement).textContent = `${place}; your own files stay as they are.`;
    this.tell(missing || hint || "Ready to train.");
    this.train.disabled = Boolean(missing) || Boolean(training?.running);
  }

  drawTraining() {
    const { training } = this.state;
    const words = this.training.draw(training);
    if (words) this.tell(words);
    clearTimeout(this.polling);
    if (training?.running) this.polling = setTimeout(() => this.follow(), LOOK_EVERY);
    else if (training && !words) this.trial.open(training);
  }

  /** @param {string} words about the training, or why there is none */
  tell(words) {
    byId("missing", HTMLElement).textContent = words;
  }

  /** Look at the training alone; at everything when its split is new, and when it has ended. */
  async follow() {
    try {
      const isSplit = (/** @type {Training | null} */ training) => Object.keys(training?.counts ?? {}).length > 0;
      const before = isSplit(this.state.training);
      this.state.training = await fetchData("teach/training.json");
      const splitIsNew = isSplit(this.state.training) && !before;
      if (splitIsNew || !this.state.training?.running) await this.refresh();
      else this.drawTraining();
    } catch {
      const way = "start it again where it was started, then reload this page.";
      this.problem.tell(`The lab does not answer any more: ${way}`);
    }
  }
}

/** @param {string} action @param {Record<string, string>} words */
function query(action, words) {
  return `teach/${action}?${new URLSearchParams(words)}`;
}

const problem = new Problem(byId("problem", HTMLElement));
await problem.attempt(async () => {
  const { live } = await about();
  if (!live) {
    const way = "Start the lab on your machine: sightline lab";
    throw new Error(`This copy of the lab cannot train: there is no server behind it. ${way}`);
  }
  new TeachRoom(problem, await fetchData("teach.json"));
  byId("teach", HTMLElement).hidden = false;
});
