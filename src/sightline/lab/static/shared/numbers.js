/** Numbers as the reader sees and types them: a true minus, thousands apart, no more digits than needed. Pure. */

/** A hyphen where a minus belongs becomes a true minus. @param {string} words */
function minus(words) {
  return words.replaceAll("-", "−");
}

/** At most two decimals: 0.333… -> "0.33", -1 -> "−1". @param {number} value */
export function decimal(value) {
  return minus(String(Math.round(value * 100) / 100 || 0)); // `|| 0`: a rounded -0 has no sign
}

/** A factor after a sign: -1 -> "(−1)". @param {number} value */
export function factor(value) {
  return value < 0 ? `(${decimal(value)})` : decimal(value);
}

/** So many digits that count: -1.07512 -> "−1.075". @param {number} value @param {number} [digits] */
export function significant(value, digits = 4) {
  return minus(String(Number(value.toPrecision(digits))));
}

/** So many digits that count, zeros among them: 0.5 -> "0.500". @param {number} value @param {number} digits */
export function precise(value, digits) {
  return minus(value.toPrecision(digits));
}

/** So many decimals: -0.5 -> "−0.50". @param {number} value @param {number} decimals */
export function fixed(value, decimals) {
  const text = value.toFixed(decimals);
  return Number(text) ? minus(text) : text.replace("-", ""); // a rounded -0 has no sign
}

/** One digit and its power of ten: 0.001 -> "1e−3". @param {number} value */
export function power(value) {
  return minus(value.toExponential(0));
}

/** Two digits that count, but no digit before the point lost: for cells. @param {number} value */
export function short(value) {
  return Math.abs(value) >= 100 ? fixed(value, 0) : significant(value, 2);
}

/** 0.418 -> "41.8 %". @param {number} share @param {number} [digits] decimals */
export function percent(share, digits = 1) {
  return `${fixed(100 * share, digits)} %`;
}

/** 11689512 -> "11,689,512". @param {number} value */
export function grouped(value) {
  return value.toLocaleString("en");
}

/** 1,814,073,344 -> "1.81 billion". @param {number} count */
export function rough(count) {
  if (count >= 1e9) return `${precise(count / 1e9, 3)} billion`;
  return count >= 1e6 ? `${precise(count / 1e6, 3)} million` : grouped(count);
}

/** "1 window", "9 windows". @param {number} count @param {string} noun */
export function counted(count, noun) {
  return `${grouped(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** A weight that fits into a cell and an address. @param {number} value */
export function sensible(value) {
  return Number.isFinite(value) && Math.abs(value) <= 999;
}

/** What was typed as a weight: -1.5, 1,5 or 1/9; null where it is no sensible number. @param {string} typed */
export function typedWeight(typed) {
  const match = /^\s*([-−+]?[\d.,]+)(?:\s*\/\s*([\d.,]+))?\s*$/.exec(typed);
  if (!match) return null;
  const [above, below] = [match[1], match[2] ?? "1"].map((part) => Number(part.replace("−", "-").replace(",", ".")));
  return sensible(above / below) ? above / below : null;
}
