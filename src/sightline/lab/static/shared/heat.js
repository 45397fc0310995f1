/** Arrays of bytes as pixels: magnitudes on cividis, images, and maps over an image in one hue. */

import { signed } from "./colors.js";

/** @typedef {import("./colors.js").Rgb} Rgb */
/** @typedef {{shape: number[], bytes: string}} Packed uint8 of any shape, in base64 */

// Ten even steps of cividis (J. R. Nunez et al., PLOS ONE 13, 2018), as `pixels/scales.py` has them.
const CIVIDIS = [
  "#00224e",
  "#123570",
  "#3b496c",
  "#575d6d",
  "#707173",
  "#8a8678",
  "#a59c74",
  "#c3b369",
  "#e1cc55",
  "#fee838",
].map((hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16)));
const HUE = [213, 94, 0];
const OVERLAY = 0.45;

/** @param {Packed} packed @returns {Uint8Array} */
export function unpacked({ bytes }) {
  return Uint8Array.from(atob(bytes), (letter) => letter.charCodeAt(0));
}

/** Cividis: dark for 0, bright for 1. @param {number} share @returns {Rgb} */
export function sequential(share) {
  const where = Math.min(1, Math.max(0, share)) * (CIVIDIS.length - 1);
  const lower = Math.min(Math.floor(where), CIVIDIS.length - 2);
  return /** @type {Rgb} */ (
    CIVIDIS[lower].map((value, i) => Math.round(value + (CIVIDIS[lower + 1][i] - value) * (where - lower)))
  );
}

const TABLE = Array.from({ length: 256 }, (_, value) => sequential(value / 255));
export const signedTable = () => Array.from({ length: 256 }, (_, value) => signed(value - 127.5, 127.5));

/**
 * Maps (count, height, width) of bytes in rows of `columns`, a pixel apart.
 * @param {HTMLCanvasElement} canvas @param {Uint8Array} maps @param {[number, number, number]} shape
 * @param {number} columns
 * @param {boolean} [isSigned] bytes below the middle are negative: blue, paper, orange instead of cividis
 */
export function drawMaps(canvas, maps, [count, height, width], columns, isSigned = false) {
  const table = isSigned ? signedTable() : TABLE;
  const rows = Math.ceil(count / columns);
  const image = sized(canvas, columns * (width + 1) - 1, rows * (height + 1) - 1);
  for (let map = 0; map < count; map += 1) {
    const [top, left] = [Math.floor(map / columns) * (height + 1), (map % columns) * (width + 1)];
    for (let y = 0; y < height; y += 1) {
      for (let x = 0; x < width; x += 1) put(image, left + x, top + y, table[maps[(map * height + y) * width + x]]);
    }
  }
  show(canvas, image);
}

/**
 * An image (height, width, 1 or 3) of bytes.
 * @param {HTMLCanvasElement} canvas @param {Uint8Array} pixels @param {[number, number, number]} shape
 */
export function drawImage(canvas, pixels, [height, width, channels]) {
  const image = sized(canvas, width, height);
  for (let i = 0; i < height * width; i += 1) {
    const at = i * channels;
    put(
      image,
      i % width,
      Math.floor(i / width),
      /** @type {Rgb} */ (
        channels === 1 ? [pixels[at], pixels[at], pixels[at]] : [pixels[at], pixels[at + 1], pixels[at + 2]]
      ),
    );
  }
  show(canvas, image);
}

/**
 * A map (rows, columns) of bytes as a hue that is stronger where it is larger, to lie over an image.
 * @param {HTMLCanvasElement} canvas @param {Uint8Array} map @param {[number, number]} shape
 */
export function drawOverlay(canvas, map, [rows, columns]) {
  const image = sized(canvas, columns, rows);
  for (let i = 0; i < rows * columns; i += 1) {
    image.data.set([...HUE, Math.round(OVERLAY * map[i])], 4 * i);
  }
  show(canvas, image);
}

/** @param {HTMLCanvasElement} canvas @param {number} width @param {number} height */
function sized(canvas, width, height) {
  [canvas.width, canvas.height] = [width, height];
  return new ImageData(width, height);
}

/** @param {ImageData} image @param {number} x @param {number} y @param {Rgb} color */
function put(image, x, y, color) {
  const at = 4 * (y * image.width + x);
  [image.data[at], image.data[at + 1], image.data[at + 2], image.data[at + 3]] = [...color, 255];
}

/** @param {HTMLCanvasElement} canvas @param {ImageData} image */
function show(canvas, image) {
  /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d")).putImageData(image, 0, 0);
}
