/** Convolution of whole pictures, quickly: planes of floats in, one plane out. Pure; no padding, stride 1. */

/** @typedef {{height: number, width: number, values: Float32Array}} Plane values row by row */

/**
 * The sum over all planes of each with its kernel, plus the bias.
 * @param {Plane[]} planes of one size @param {number[][][]} kernels one a plane, of one size @param {number} [bias]
 * @returns {Plane}
 */
export function convolve(planes, kernels, bias = 0) {
  const [{ height, width }] = planes;
  const [rows, columns] = [kernels[0].length, kernels[0][0].length];
  const [outHeight, outWidth] = [Math.max(0, height - rows + 1), Math.max(0, width - columns + 1)];
  const out = new Float32Array(outHeight * outWidth).fill(bias);
  planes.forEach(({ values }, p) => {
    for (let r = 0; r < rows; r += 1) {
      for (let c = 0; c < columns; c += 1) {
        const weight = kernels[p][r][c];
        if (weight === 0) continue;
        for (let y = 0; y < outHeight; y += 1) {
          let from = (y + r) * width + c;
          const end = (y + 1) * outWidth;
          for (let to = y * outWidth; to < end; to += 1, from += 1) out[to] += weight * values[from];
        }
      }
    }
  });
  return { height: outHeight, width: outWidth, values: out };
}

/** Brightness 0 to 1 of RGBA bytes, weighed as ITU-R BT.601 has it. @param {ImageData} image @returns {Plane} */
export function grayPlane({ data, width, height }) {
  const values = new Float32Array(width * height);
  for (let i = 0, at = 0; i < values.length; i += 1, at += 4)
    values[i] = (0.299 * data[at] + 0.587 * data[at + 1] + 0.114 * data[at + 2]) / 255;
  return { height, width, values };
}

/** Red, green and blue, 0 to 1. @param {ImageData} image @returns {Plane[]} */
export function colorPlanes({ data, width, height }) {
  return [0, 1, 2].map((channel) => {
    const values = new Float32Array(width * height);
    for (let i = 0, at = channel; i < values.length; i += 1, at += 4) values[i] = data[at] / 255;
    return { height, width, values };
  });
}

/** (value - mean) / std. @param {Plane} plane @param {number} mean @param {number} std @returns {Plane} */
export function normalised({ height, width, values }, mean, std) {
  return { height, width, values: values.map((value) => (value - mean) / std) };
}
