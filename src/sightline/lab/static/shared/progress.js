/** What the reader has done in the course: kept in this browser, and only there. */

/** @typedef {{right: number, of: number}} Score */

const KEY = "sightline-course";

/** Said behind a score that could not be kept. */
export const NOT_KEPT = " (Your browser keeps no progress.)";

/** Scores by lesson; empty where the browser keeps nothing. @returns {Record<string, Score>} */
export function scores() {
  try {
    const stored = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    return stored && typeof stored === "object" ? stored : {};
  } catch {
    return {};
  }
}

/** @param {string} lesson @param {Score} score */
export function keep(lesson, score) {
  try {
    localStorage.setItem(KEY, JSON.stringify({ ...scores(), [lesson]: score }));
    return true;
  } catch {
    return false; // storage is switched off; the quiz works all the same
  }
}

export function forget() {
  try {
    localStorage.removeItem(KEY);
  } catch {
    // there is nothing to forget
  }
}
