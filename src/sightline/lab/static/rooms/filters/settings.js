/** What the room is set to, and how the address holds it. Pure. */

import { range } from "../../shared/convolution.js";
import { FILTERS, filterAt, resized } from "../../shared/filters.js";
import { sensible } from "../../shared/numbers.js";

/**
 * @typedef {{filter: string, size: number, weights: number[][], divisor: number, learnt: number, relu: boolean,
 *   absolute: boolean}} Settings
 *  filter: a name of shared/filters.js, or "own". learnt: the number of a filter that the network learnt, which counts
 *  instead; or -1. absolute: only the strength of an answer is shown.
 */

const SIZES = [3, 5, 7];

/** A filter of those with a name. @param {string} filter @param {number} size */
export function named(filter, size) {
  return { filter, size, learnt: -1, ...filterAt(filter, size) };
}

/** @returns {Settings} */
export function usual() {
  return { ...named("sobel", 3), relu: false, absolute: false };
}

/** The same filter at another size. @param {Settings} settings @param {number} size @returns {Settings} */
export function sized(settings, size) {
  if (Object.hasOwn(FILTERS, settings.filter)) return { ...settings, ...named(settings.filter, size) };
  return { ...settings, size, learnt: -1, weights: resized(settings.weights, size) };
}

/** What an evenly grey area is multiplied by. @param {Settings} settings */
export function weightSum({ weights, divisor }) {
  return weights.flat().reduce((sum, weight) => sum + weight, 0) / divisor;
}

/** Whether an even area keeps its brightness, so that what comes out is an image again. @param {Settings} settings */
export function keepsBrightness(settings) {
  return settings.learnt < 0 && Math.abs(weightSum(settings) - 1) < 1e-9;
}

/** @param {Settings} settings */
export function toWords({ filter, size, weights, divisor, learnt, relu, absolute }) {
  const words = new URLSearchParams({ filter, size: String(size) });
  if (filter === "own") words.set("weights", weights.flat().join(","));
  if (divisor !== 1) words.set("divisor", String(divisor));
  if (learnt >= 0) words.set("learnt", String(learnt));
  if (relu) words.set("relu", "1");
  if (absolute) words.set("absolute", "1");
  return words;
}

/**
 * The settings of an address; whatever in it makes no sense is as usual.
 * @param {URLSearchParams} words @param {number} filters that the network learnt @returns {Settings}
 */
export function fromWords(words, filters) {
  const settings = { ...usual(), relu: words.get("relu") === "1", absolute: words.get("absolute") === "1" };
  const size = SIZES.find((one) => String(one) === words.get("size")) ?? settings.size;
  const filter = words.get("filter") ?? "";
  const known = Object.hasOwn(FILTERS, filter) ? filter : "sobel";
  const learnt = Number(words.get("learnt") ?? -1);
  Object.assign(settings, filter === "own" ? own(words, size) : named(known, size));
  if (Number.isInteger(learnt) && learnt >= 0 && learnt < filters) settings.learnt = learnt;
  return settings;
}

/**
 * Weights of one's own; the usual ones where these make no sense.
 * @param {URLSearchParams} words @param {number} size
 */
function own(words, size) {
  const weights = (words.get("weights") ?? "").split(",").map(Number);
  if (weights.length !== size ** 2 || !weights.every(sensible)) return named("sobel", size);
  const divisor = Number(words.get("divisor") ?? 1);
  return {
    filter: "own",
    size,
    weights: range(size).map((r) => weights.slice(r * size, (r + 1) * size)),
    divisor: divisor > 0 && Number.isFinite(divisor) ? divisor : 1,
  };
}
