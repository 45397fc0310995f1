/** Asking the lab for data. The addresses are those of files, so a static export answers as well, as far as it can. */

import { sentence } from "./page.js";

/**
 * @typedef {{live: boolean, run: {name: string, trained: boolean, complete: boolean, network: boolean} | null}} About
 */

const ROOT = new URL("../../data/", import.meta.url);

/** What this lab is about. @returns {Promise<About>} */
export function about() {
  return fetchData("lab.json");
}

/**
 * What this lab is about, with a run. Throws an Error that says how to open one where there is none.
 * @param {string} missing without a run, such as "network to look into" @param {string} [others] ways than RUN
 */
export async function aboutRun(missing, others = "") {
  const { live, run } = await about();
  if (run) return { live, run };
  throw new Error(
    live
      ? `The lab was opened without a run, so there is no ${missing}. ` +
          `Close it and start it with one: sightline lab RUN${others}`
      : "This copy of the lab was made without a run. Make one with it: sightline lab --export DIR RUN",
  );
}

/** The answer at data/`address`. Throws an Error with what to do. @param {string} address @returns {Promise<any>} */
export async function fetchData(address) {
  return answerOf(await reach(address));
}

/**
 * Send bytes to data/`address`. Throws an Error with what to do.
 * @param {string} address @param {BodyInit} body @returns {Promise<any>}
 */
export async function sendData(address, body) {
  return answerOf(await reach(address, { method: "POST", body }));
}

/** @param {string} address */
export function dataUrl(address) {
  return new URL(address, ROOT);
}

/** @param {string} address @param {RequestInit} [how] */
async function reach(address, how) {
  try {
    return await fetch(dataUrl(address), how);
  } catch {
    throw new Error("The lab does not answer: start it again in the terminal, then reload this page.");
  }
}

/** @param {Response} response */
async function answerOf(response) {
  if (response.ok) return response.json();
  const problem = await response.json().catch(() => ({}));
  throw new Error(problem.error ? sentence(problem.error) : `The lab has no answer here (${response.status}).`);
}
