/** What the camera sees, picture after picture, as long as it is on. */

import { Webcam } from "../../shared/webcam.js";

/** @typedef {{onPicture: () => void, onSecond: (pictures: number) => void, onEnd: () => void}} Handlers */

export class Film {
  /** @param {HTMLVideoElement} video @param {Handlers} handlers */
  constructor(video, handlers) {
    this.video = video;
    this.webcam = new Webcam(video);
    this.handlers = handlers;
    this.count = 0; // pictures since the last full second
    this.since = 0;
  }

  get on() {
    return this.webcam.on;
  }

  /** Throws an Error that says why there is no picture. */
  async start() {
    await this.webcam.start();
    [this.count, this.since] = [0, performance.now()];
    this.next();
  }

  stop() {
    this.webcam.stop();
  }

  next() {
    const { onPicture, onSecond, onEnd } = this.handlers;
    if (!this.on) {
      onEnd(); // also where the page was hidden
      return;
    }
    onPicture();
    this.count += 1;
    const elapsed = performance.now() - this.since;
    if (elapsed > 1000) {
      onSecond(Math.round((1000 * this.count) / elapsed));
      [this.count, this.since] = [0, performance.now()];
    }
    requestAnimationFrame(() => this.next());
  }
}
