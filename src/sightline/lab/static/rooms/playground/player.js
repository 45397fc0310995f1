/** Plays, steps and scrubs through the outputs, from the first to the last. */

import { byId } from "../../shared/page.js";

export class Player {
  /** @param {{onMove: (index: number) => void, onRest: () => void}} handlers the window came to an output; it stays */
  constructor({ onMove, onRest }) {
    this.onMove = onMove;
    this.onRest = onRest;
    this.count = 1;
    this.index = 0;
    this.shown = 1; // outputs that are computed so far
    this.timer = 0;
    this.scrub = byId("scrub", HTMLInputElement);
    this.playButton = byId("play", HTMLButtonElement);
    this.playButton.addEventListener("click", () => (this.timer ? this.pause() : this.play()));
    byId("back", HTMLButtonElement).addEventListener("click", () => this.step(-1));
    byId("forward", HTMLButtonElement).addEventListener("click", () => this.step(1));
    this.scrub.addEventListener("input", () => {
      const index = Number(this.scrub.value); // before `pause` shows where the window was
      this.pause();
      this.move(index);
    });
    byId("speed", HTMLSelectElement).addEventListener("change", () => {
      if (this.timer) this.play();
    });
  }

  /**
   * Another computation: all of its outputs are shown, the window rests at one of them.
   * @param {number} count @param {number} index
   */
  reset(count, index) {
    this.pause();
    [this.count, this.index, this.shown] = [count, index, count];
    this.scrub.max = String(count - 1);
    this.tell();
  }

  /** Rest at an output without hiding those after it. @param {number} index */
  go(index) {
    this.pause();
    this.index = index;
    this.shown = this.count;
    this.onMove(index);
    this.tell();
    this.onRest();
  }

  restart() {
    this.index = -1;
    this.play();
  }

  play() {
    clearInterval(this.timer);
    if (this.index >= this.count - 1 || this.shown === this.count) this.index = -1;
    const perSecond = Number(byId("speed", HTMLSelectElement).value);
    this.timer = setInterval(() => {
      this.move(this.index + 1);
      if (this.index >= this.count - 1) this.pause();
    }, 1000 / perSecond);
    this.move(this.index + 1);
    this.tell();
  }

  pause() {
    const moved = this.timer !== 0;
    clearInterval(this.timer);
    this.timer = 0;
    this.tell();
    if (moved) this.onRest();
  }

  /** @param {number} by */
  step(by) {
    this.pause();
    this.move(Math.min(this.count - 1, Math.max(0, this.index + by)));
    this.onRest();
  }

  /** @param {number} index */
  move(index) {
    this.index = index;
    this.shown = index + 1;
    this.onMove(index);
    this.tell();
  }

  tell() {
    const playing = this.timer !== 0;
    this.playButton.setAttribute("aria-label", playing ? "Pause" : "Play");
    this.playButton.classList.toggle("playing", playing);
    this.scrub.value = String(this.index);
    const words = `${this.index + 1} of ${this.count}`;
    this.scrub.setAttribute("aria-valuetext", words);
    byId("position", HTMLOutputElement).textContent = words;
  }
}
