/**
 * What was kept of a training: epoch by epoch its scores, and after some epochs a snapshot, fetched when it is wanted.
 */

import { fetchData } from "../../shared/data.js";
import { reachOf } from "../../shared/kernels.js";

/** @typedef {import("../../shared/heat.js").Packed} Packed */
/** @typedef {import("../../shared/learning.js").Epoch} Epoch */
/** @typedef {{layer: string, of: number, values: number[][][][]}} Kernels of: as many filters the layer has */
/**
 * @typedef {{epoch: number, kernels: Kernels | null, maps: Packed | null, cams: Packed | null,
 *   probabilities: number[][], confusion: number[][] | null, right: [number, number]}} Frame
 *  maps, cams, probabilities: of each image that is watched. right: so many validation images, of how many.
 */
/** @typedef {{epochs: number[], history: Epoch[]}} News epochs: those with a snapshot */

export class Film {
  constructor() {
    /** @type {number[]} */
    this.epochs = [];
    /** @type {Epoch[]} */
    this.history = [];
    /** @type {Map<number, Frame>} */
    this.frames = new Map();
  }

  /** @param {News} news */
  take({ epochs, history }) {
    [this.epochs, this.history] = [epochs, history];
    for (const epoch of this.frames.keys()) if (!epochs.includes(epoch)) this.frames.delete(epoch);
  }

  /** The snapshot after an epoch. @param {number} epoch @returns {Promise<Frame>} */
  async frame(epoch) {
    const known = this.frames.get(epoch);
    if (known) return known;
    const frame = await fetchData(`time/${epoch}.json`);
    this.frames.set(epoch, frame);
    return frame;
  }

  /** The place of the snapshot nearest to an epoch. @param {number} epoch */
  nearest(epoch) {
    const far = (/** @type {number} */ place) => Math.abs(this.epochs[place] - epoch);
    return this.epochs.reduce((best, _, place) => (far(place) < far(best) ? place : best), 0);
  }

  /** The largest weight of all kernels so far: one scale, so that kernels can be seen to grow. */
  get reach() {
    const frames = [...this.frames.values()];
    return Math.max(...frames.map(({ kernels }) => (kernels ? reachOf(kernels.values) : 0)));
  }
}
