/** The camera: asked for when wanted, shown mirrored, stopped when the page is left or hidden. */

import { drawMiddle } from "./picture.js";

export class Webcam {
  /** @param {HTMLVideoElement} video where it is shown */
  constructor(video) {
    this.video = video;
    /** @type {MediaStream | null} */
    this.stream = null;
    addEventListener("pagehide", () => this.stop());
    document.addEventListener("visibilitychange", () => document.hidden && this.stop());
  }

  get on() {
    return this.stream !== null;
  }

  /** Throws an Error that says why there is no picture. @param {number} [width] @param {number} [height] */
  async start(width = 640, height = 480) {
    if (!navigator.mediaDevices?.getUserMedia)
      throw new Error("This page may not use a camera: open the lab at its own address, http://127.0.0.1.");
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({
        video: { width: { ideal: width }, height: { ideal: height } },
        audio: false,
      });
    } catch (error) {
      throw new Error(REASONS[error instanceof DOMException ? error.name : ""] ?? "The camera could not be started.");
    }
    this.video.srcObject = this.stream;
    this.video.muted = true;
    this.video.playsInline = true;
    await this.video.play();
    this.video.hidden = false;
  }

  stop() {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
    this.video.srcObject = null;
    this.video.hidden = true;
  }

  /** The picture as it is now, the middle of it, on a canvas. @param {HTMLCanvasElement} canvas its size is kept */
  draw(canvas) {
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
    drawMiddle(context, this.video, this.video.videoWidth, this.video.videoHeight);
  }

  /** The whole picture as a JPEG. @returns {Promise<Blob>} */
  async shoot() {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [this.video.videoWidth, this.video.videoHeight];
    this.draw(canvas);
    return new Promise((resolve, reject) =>
      canvas.toBlob(
        (blob) => (blob ? resolve(blob) : reject(new Error("The camera gave no picture."))),
        "image/jpeg",
        0.92,
      ),
    );
  }
}

/** @type {Record<string, string>} */
const REASONS = {
  NotAllowedError: "The browser does not allow the camera: allow it for this page, in the address bar, and try again.",
  NotFoundError: "There is no camera.",
  NotReadableError: "The camera is in use elsewhere: close the other program and try again.",
  OverconstrainedError: "The camera has no such size.",
};
