/** How one value of a layer came about, in numbers. */

import { grey, signed } from "../../shared/colors.js";
import { grouped, precise, short, significant } from "../../shared/numbers.js";
import { make } from "../../shared/page.js";
import { sign, term } from "../../shared/terms.js";

/**
 * @typedef {{channel: number, patch: (number | null)[][], kernel: number[][], products: (number | null)[][],
 *   sum: number}} Part of one channel of what comes in; null: padding that no maximum sees
 */
/**
 * @typedef {{kind: string, value: number, output: number, bias: number, rows: number[], columns: number[],
 *   channels: number, terms: Part[], rest: number, layer?: string, before?: number | null}} Value
 *  kind "passed": of a layer without windows. output: what the network itself computed.
 */

/** @param {Value} value */
export function explanation(value) {
  return value.kind === "passed" ? [passed(value)] : taken(value);
}

/** @param {Value} value */
function passed({ layer, before, output }) {
  const made = `${layer} made ${significant(output)} of`;
  return make(
    "p",
    { class: "equation" },
    before === null || before === undefined
      ? `${made} all it was given.`
      : `${made} ${significant(before)}, the value at the same place before it.`,
  );
}

/** @param {Value} value @returns {HTMLElement[]} */
function taken({ kind, value, output, bias, rows, columns, channels, terms, rest }) {
  const convolves = kind === "convolution";
  const window = `rows ${rows[0]} to ${rows.at(-1)}, columns ${columns[0]} to ${columns.at(-1)}`;
  const depth = channels > 1 ? `, in all ${channels} channels` : "";
  const others = channels - terms.length;
  const names = [others ? `, ${grouped(others)} other channels together` : "", bias ? ", and the bias" : ""].join("");
  const summed = [...terms.map(({ sum }) => sum), ...(others ? [rest] : []), ...(bias ? [bias] : [])];
  const hint = (/** @type {string} */ words) => make("p", { class: "hint" }, words);
  return [
    hint(`It looks at ${window} of what comes in${depth}; places outside of it are padding.`),
    ...terms.map((part, i) => {
      if (terms.length === 1) return make("div", {}, arithmetic(part, kind));
      const title = make("summary", {}, `channel ${part.channel} of the input: ${significant(part.sum)}`);
      return make("details", i === 0 ? { open: "" } : {}, title, arithmetic(part, kind));
    }),
    make("p", { class: "equation" }, `${convolves ? `${sumOf(summed)} ` : ""}= ${significant(value)}`),
    hint(
      (convolves ? `The channels' sums, the strongest first${names}. ` : "") +
        `The network itself computed ${precise(output, 7)}.`,
    ),
  ];
}

/** "1.2 − 0.3 + 4". @param {number[]} summed */
function sumOf([first, ...others]) {
  return others.reduce(
    (words, one) => `${words} ${one < 0 ? "−" : "+"} ${significant(Math.abs(one))}`,
    significant(first),
  );
}

/** @param {Part} part @param {string} kind */
function arithmetic({ patch, kernel, products }, kind) {
  const place = make("div", { class: "terms" });
  place.style.setProperty("--kernel", String(patch[0].length));
  place.append(grid("what it sees", patch, true));
  if (kind === "convolution") place.append(sign("×"), grid("kernel", kernel), sign("="), grid("products", products));
  if (kind === "average") place.append(sign("×"), grid("shares", kernel), sign("="), grid("products", products));
  return place;
}

/**
 * @param {string} words @param {(number | null)[][]} values @param {boolean} [isImage] grey where nothing is negative
 */
function grid(words, values, isImage = false) {
  const known = values.flat().map((value) => value ?? 0);
  const most = Math.max(...known.map(Math.abs)) || 1;
  const color = isImage && Math.min(...known) >= 0 ? grey : signed;
  return term(words, values, (value) =>
    value === null ? { text: "−∞", color: null } : { text: short(value), color: color(value, most) },
  );
}
