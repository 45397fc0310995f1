/** An image file as grey levels of a few cells. It never leaves the browser. */

import { range } from "./convolution.js";
import { WHITE } from "./filters.js";

/** @typedef {import("./convolution.js").Grid} Grid */

const LARGEST = 20 * 1024 * 1024; // bytes

/** The middle of the image, `height` x `width` cells from 0 to 9. Throws an Error with what to do. @param {File} file @param {number} height @param {number} width @returns {Promise<Grid>} */
export async function readPixels(file, height, width) {
  if (file.size > LARGEST) throw new Error(`${file.name} has more than 20 MB: choose a smaller image.`);
  let bitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    throw new Error(`${file.name} cannot be read as an image here: choose a JPEG or PNG file.`);
  }
  const side = Math.min(bitmap.width / width, bitmap.height / height);
  const [cutWidth, cutHeight] = [side * width, side * height];
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
  context.fillStyle = "#fff"; // below what is transparent
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, (bitmap.width - cutWidth) / 2, (bitmap.height - cutHeight) / 2, cutWidth, cutHeight, 0, 0, width, height);
  bitmap.close();
  const { data } = context.getImageData(0, 0, width, height);
  return range(height).map((r) =>
    range(width).map((c) => {
      const [red, green, blue] = data.subarray(4 * (r * width + c));
      return Math.round((WHITE * (0.299 * red + 0.587 * green + 0.114 * blue)) / 255);
    }),
  );
}
