/** Image files and films as this browser reads them. Nothing leaves it. */

import { range } from "./convolution.js";
import { checkSize } from "./files.js";
import { WHITE } from "./filters.js";

/** @typedef {import("./convolution.js").Grid} Grid */

/** An image file, decoded; `close()` it after use. Throws an Error with what to do. @param {File} file */
export async function readBitmap(file) {
  checkSize(file);
  try {
    return await createImageBitmap(file);
  } catch {
    throw new Error(`${file.name} cannot be read as an image here: choose a JPEG or PNG file.`);
  }
}

/**
 * The largest middle part of an image that has the canvas's shape, over the whole canvas.
 * @param {CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D} context @param {CanvasImageSource} image
 * @param {number} width of the image @param {number} height
 */
export function drawMiddle(context, image, width, height) {
  const { canvas } = context;
  const scale = Math.min(width / canvas.width, height / canvas.height);
  const [cutWidth, cutHeight] = [scale * canvas.width, scale * canvas.height];
  context.fillStyle = "#fff"; // below what is transparent
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(
    image,
    (width - cutWidth) / 2,
    (height - cutHeight) / 2,
    cutWidth,
    cutHeight,
    0,
    0,
    canvas.width,
    canvas.height,
  );
}

/**
 * The middle of the image as grey levels, `height` x `width` cells from 0 to 9. Throws an Error with what to do.
 * @param {File} file @param {number} height @param {number} width @returns {Promise<Grid>}
 */
export async function readPixels(file, height, width) {
  const bitmap = await readBitmap(file);
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
  context.imageSmoothingQuality = "high";
  drawMiddle(context, bitmap, bitmap.width, bitmap.height);
  bitmap.close();
  const { data } = context.getImageData(0, 0, width, height);
  return range(height).map((r) =>
    range(width).map((c) => {
      const [red, green, blue] = data.subarray(4 * (r * width + c));
      return Math.round((WHITE * (0.299 * red + 0.587 * green + 0.114 * blue)) / 255);
    }),
  );
}
