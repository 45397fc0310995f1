/** Something new is shown to what was trained: a picture, or what the camera sees. */

import { Bar } from "../../shared/bars.js";
import { sendData } from "../../shared/data.js";
import { onChosen } from "../../shared/files.js";
import { percent } from "../../shared/numbers.js";
import { byId, make, sentence } from "../../shared/page.js";

/** @typedef {{top: [string, number][], unknown: boolean}} Answer top: classes and probabilities, largest first */

const SHOWN = 8; // classes
const PAUSE = 150; // milliseconds between two looks through the camera

export class Trial {
  /**
   * @param {import("../../shared/webcam.js").Webcam} webcam @param {import("../../shared/problem.js").Problem} problem
   */
  constructor(webcam, problem) {
    this.webcam = webcam;
    this.problem = problem;
    this.live = byId("live", HTMLInputElement);
    this.live.addEventListener("change", () => this.watch());
    const image = byId("tried", HTMLImageElement);
    onChosen(byId("try", HTMLInputElement), ([picture]) => {
      URL.revokeObjectURL(image.src);
      image.src = URL.createObjectURL(picture);
      image.hidden = false;
      this.look(picture);
    });
  }

  /** Begin, once there is something to try. @param {import("./training.js").Training} training that is done */
  open({ run, result }) {
    byId("look", HTMLElement).hidden = false;
    byId("look-words", HTMLElement).textContent = result ? sentence(result) : "It is trained: show it something new.";
    byId("live-label", HTMLElement).hidden = !this.webcam.on;
    byId("kept", HTMLElement).replaceChildren(
      "It is an ordinary run: ",
      make("code", {}, `sightline predict ${run} IMAGE...`),
      ". The other rooms show it now: ",
      make("a", { href: "network.html" }, "Your network"),
      ", ",
      make("a", { href: "time.html" }, "Time machine"),
      ".",
    );
  }

  async watch() {
    while (this.live.checked && this.webcam.on) {
      await this.look(await this.webcam.shoot());
      await new Promise((done) => setTimeout(done, PAUSE));
    }
  }

  /** @param {Blob} picture */
  async look(picture) {
    const answer = await this.problem.attempt(() => sendData("teach/look", picture));
    if (answer) this.tell(answer);
  }

  /** @param {Answer} answer */
  tell({ top, unknown }) {
    const [[best]] = top;
    const words = unknown
      ? [make("b", {}, "unknown"), `: unlike what it was shown; it would be ${best}`]
      : [make("b", {}, best)];
    byId("answer", HTMLElement).replaceChildren(
      make("p", { class: unknown ? "unknown" : "" }, ...words),
      ...top.slice(0, SHOWN).map(([label, probability]) => new Bar(label).show(probability, percent(probability))),
    );
  }
}
