/** A real training, small enough for a slider: a polynomial fitted to noisy points by gradient descent. Pure. */

import { range } from "../shared/convolution.js";

/** @typedef {[number, number]} Point */
/** @typedef {{training: number[], validation: number[], weights: number[], best: number, stopped: number}} Fit
 *  Mean squared errors after each epoch; weights of the best epoch, counted from 1; the epoch after which it ended. */

export const EPOCHS = 300;

/** Random numbers in [0, 1) that are always the same (mulberry32). @param {number} seed */
export function random(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** What is to be found. @param {number} x in [-1, 1] */
export function truth(x) {
  return Math.sin(3 * x);
}

/** @param {number} count @param {number} seed @returns {Point[]} */
export function noisyPoints(count, seed) {
  const next = random(seed);
  return range(count).map(() => {
    const x = 2 * next() - 1;
    return [x, truth(x) + 0.9 * (next() + next() - 1)];
  });
}

/**
 * Chebyshev polynomials up to `degree` at x: every bend a feature of its own.
 * @param {number} x @param {number} degree
 */
function features(x, degree) {
  return range(degree + 1).map((n) => Math.cos(n * Math.acos(Math.max(-1, Math.min(1, x)))));
}

/** @param {number} x @param {number[]} weights */
export function predict(x, weights) {
  return features(x, weights.length - 1).reduce((sum, value, n) => sum + value * weights[n], 0);
}

/** @param {Point[]} points @param {number[]} weights */
function error(points, weights) {
  return points.reduce((sum, [x, y]) => sum + (predict(x, weights) - y) ** 2, 0) / points.length;
}

/**
 * Full-batch gradient descent from 0 with early stopping; the best weights are kept.
 * @param {Point[]} training @param {Point[]} validation @param {{degree: number, rate: number, patience: number}} how
 * @returns {Fit}
 */
export function fit(training, validation, { degree, rate, patience }) {
  let weights = Array(degree + 1).fill(0);
  const inputs = training.map(([x]) => features(x, degree));
  /** @type {Fit} */
  const result = { training: [], validation: [], weights, best: 0, stopped: 0 };
  let least = Infinity;
  for (let epoch = 1; epoch <= EPOCHS; epoch += 1) {
    const residuals = inputs.map(
      (input, i) => input.reduce((sum, value, n) => sum + value * weights[n], 0) - training[i][1],
    );
    weights = weights.map(
      (weight, n) =>
        weight -
        (rate * 2 * residuals.reduce((sum, residual, i) => sum + residual * inputs[i][n], 0)) / training.length,
    );
    const held = error(validation, weights);
    result.training.push(error(training, weights));
    result.validation.push(held);
    result.stopped = epoch;
    if (held < least) {
      least = held;
      [result.best, result.weights] = [epoch, weights];
    }
    if (!Number.isFinite(held) || held > 1e6 || epoch - result.best >= patience) break;
  }
  return result;
}
