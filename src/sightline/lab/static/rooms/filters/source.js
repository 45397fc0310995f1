/** The picture that is filtered, with a frame in it where the loupe is. */

import { ARROWS } from "../../shared/page.js";
import { drawMiddle } from "../../shared/picture.js";
import { drawScene } from "../../shared/scene.js";

const [WIDTH, HEIGHT] = [320, 240]; // pixels
const FAR = 10; // pixels that the loupe moves at once with Shift

export class Source {
  /** @param {HTMLCanvasElement} canvas @param {() => void} onMove the loupe is elsewhere */
  constructor(canvas, onMove) {
    this.canvas = canvas;
    this.context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
    this.picture = contextOf(WIDTH, HEIGHT); // without the frame
    this.onMove = onMove;
    this.row = 120;
    this.column = 150;
    this.kernel = 3; // rows and columns of the frame
    for (const name of /** @type {const} */ (["pointermove", "pointerdown"])) {
      canvas.addEventListener(name, (event) => this.point(event));
    }
    canvas.addEventListener("keydown", (event) => {
      const step = ARROWS[event.key];
      if (!step) return;
      event.preventDefault();
      const far = event.shiftKey ? FAR : 1;
      this.moveTo(this.row + far * step[0], this.column + far * step[1]);
    });
  }

  /** @param {PointerEvent} event the middle of the loupe comes there */
  point({ clientX, clientY }) {
    const box = this.canvas.getBoundingClientRect();
    const half = Math.floor(this.kernel / 2);
    const row = Math.floor(((clientY - box.top) / box.height) * HEIGHT) - half;
    const column = Math.floor(((clientX - box.left) / box.width) * WIDTH) - half;
    this.moveTo(row, column);
  }

  /** @param {number} row @param {number} column */
  moveTo(row, column) {
    [this.row, this.column] = [row, column];
    this.draw(this.kernel);
    this.onMove();
  }

  /** The example, made by a few lines. */
  takeScene() {
    drawScene(this.picture);
  }

  /** The middle of an image. @param {ImageBitmap} image */
  take(image) {
    this.picture.imageSmoothingQuality = "high";
    drawMiddle(this.picture, image, image.width, image.height);
  }

  /** The middle of what the camera sees, as in a mirror. @param {HTMLVideoElement} video */
  mirror(video) {
    this.picture.save();
    this.picture.translate(WIDTH, 0);
    this.picture.scale(-1, 1);
    drawMiddle(this.picture, video, video.videoWidth, video.videoHeight);
    this.picture.restore();
  }

  get image() {
    return this.picture.getImageData(0, 0, WIDTH, HEIGHT);
  }

  /** The picture so many times smaller. @param {number} times */
  smaller(times) {
    const context = contextOf(WIDTH / times, HEIGHT / times);
    const { width, height } = context.canvas;
    context.imageSmoothingQuality = "high";
    context.drawImage(this.picture.canvas, 0, 0, width, height);
    return context.getImageData(0, 0, width, height);
  }

  /** The picture with the frame, which stays inside. @param {number} kernel rows and columns that the loupe shows */
  draw(kernel) {
    this.kernel = kernel;
    this.row = Math.max(0, Math.min(HEIGHT - kernel, this.row));
    this.column = Math.max(0, Math.min(WIDTH - kernel, this.column));
    this.context.drawImage(this.picture.canvas, 0, 0);
    this.context.lineWidth = 2;
    this.frame("#fff", 2);
    this.frame("#0b6e99", 4);
  }

  /** @param {string} color @param {number} away pixels around what the loupe shows */
  frame(color, away) {
    const side = this.kernel + 2 * away;
    this.context.strokeStyle = color;
    this.context.strokeRect(this.column - away, this.row - away, side, side);
  }
}

/** @param {number} width @param {number} height */
function contextOf(width, height) {
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  return /** @type {OffscreenCanvasRenderingContext2D} */ (context);
}
