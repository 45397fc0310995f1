/** Moves through the snapshots: play, step, scrub, or stay at the newest one. */

import { byId, still } from "../../shared/page.js";

const SNAPSHOTS_A_SECOND = 2;

export class Transport {
  /** @param {(place: number) => void} onMove */
  constructor(onMove) {
    this.onMove = onMove;
    this.place = 0;
    this.count = 0;
    this.timer = 0;
    this.playButton = byId("play", HTMLButtonElement);
    this.backButton = byId("back", HTMLButtonElement);
    this.forwardButton = byId("forward", HTMLButtonElement);
    this.scrub = byId("scrub", HTMLInputElement);
    this.follow = byId("follow", HTMLInputElement);
    this.playButton.hidden = still.matches;
    this.playButton.addEventListener("click", () => (this.timer ? this.pause() : this.play()));
    this.backButton.addEventListener("click", () => this.moveTo(this.place - 1));
    this.forwardButton.addEventListener("click", () => this.moveTo(this.place + 1));
    this.scrub.addEventListener("input", () => {
      this.pause();
      this.moveTo(Number(this.scrub.value));
    });
  }

  /** By hand: the newest is no longer followed, unless this is it. @param {number} place */
  moveTo(place) {
    this.follow.checked = place >= this.count - 1;
    this.onMove(place);
  }

  /** @param {number} place @param {number[]} epochs */
  show(place, epochs) {
    [this.place, this.count] = [place, epochs.length];
    const words = `epoch ${epochs[place]}`;
    this.scrub.max = String(this.count - 1);
    this.scrub.value = String(place);
    this.scrub.setAttribute("aria-valuetext", words);
    byId("position", HTMLElement).textContent = words;
    this.backButton.disabled = place === 0;
    this.forwardButton.disabled = place === this.count - 1;
  }

  play() {
    if (this.place === this.count - 1) this.onMove(0);
    this.timer = setInterval(() => {
      if (this.place >= this.count - 1) this.pause();
      else this.onMove(this.place + 1);
    }, 1000 / SNAPSHOTS_A_SECOND);
    this.tell();
  }

  pause() {
    clearInterval(this.timer);
    this.timer = 0;
    this.tell();
  }

  tell() {
    this.playButton.classList.toggle("playing", this.timer !== 0);
    this.playButton.setAttribute("aria-label", this.timer ? "Pause" : "Play");
  }
}
