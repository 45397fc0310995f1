/** Colours whose meaning can be read, and ink that stays legible on them. */

/** @typedef {[number, number, number]} Rgb 0 to 255 */

const SIGNED = {
  light: { negative: rgb("#0072b2"), paper: rgb("#fdfcf9"), positive: rgb("#e08214") },
  dark: { negative: rgb("#56b4e9"), paper: rgb("#161614"), positive: rgb("#f0a03c") },
};
const BLACK = rgb("#111110");
const WHITE = rgb("#ffffff");

export const darkMode = matchMedia("(prefers-color-scheme: dark)");

/** Blue, paper, orange: `value` from -limit to limit. @param {number} value @param {number} limit @returns {Rgb} */
export function signed(value, limit) {
  const { negative, paper, positive } = SIGNED[darkMode.matches ? "dark" : "light"];
  const share = limit > 0 ? Math.min(1, Math.abs(value) / limit) : 0;
  return mixed(paper, value < 0 ? negative : positive, share);
}

/**
 * Grey levels of an image, the same on light and dark paper.
 * @param {number} value @param {number} limit @returns {Rgb}
 */
export function grey(value, limit) {
  return mixed(BLACK, WHITE, limit > 0 ? Math.min(1, Math.max(0, value / limit)) : 0);
}

/** @param {Rgb} color */
export function css(color) {
  return `rgb(${color.join(" ")})`;
}

/** Black or white, whichever is easier to read on `color`; its contrast is never below 4.5. @param {Rgb} color */
export function inkOn(color) {
  return luminance(color) > 0.179 ? "#000" : "#fff"; // where both have the same contrast, 4.58
}

/** Relative luminance, 0 to 1, as WCAG 2.2 defines it. @param {Rgb} color */
function luminance(color) {
  const [r, g, b] = color.map((channel) => {
    const c = channel / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** @param {Rgb} from @param {Rgb} to @param {number} share @returns {Rgb} */
function mixed(from, to, share) {
  return /** @type {Rgb} */ (from.map((value, i) => Math.round(value + (to[i] - value) * share)));
}

/** @param {string} hex @returns {Rgb} */
function rgb(hex) {
  return /** @type {Rgb} */ ([1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16)));
}
