/** News of a training that runs. */

import { dataUrl } from "../../shared/data.js";
import { counted } from "../../shared/numbers.js";
import { byId } from "../../shared/page.js";

const ENDS = /** @type {Record<string, string>} */ ({
  complete: "This training is over.",
  other: "The lab shows another run now: reload this page to see it.",
  closed: "The lab was closed: start it again, then reload this page.",
});

/** @param {(news: import("./film.js").News) => void} onNews */
export function watch(onNews) {
  const said = byId("live", HTMLElement);
  const follow = byId("follow-label", HTMLElement);
  const source = new EventSource(dataUrl("live"));
  follow.hidden = false;
  const end = (/** @type {string} */ words) => {
    source.close();
    follow.hidden = true;
    said.textContent = words;
  };
  source.addEventListener("state", ({ data }) => {
    const news = JSON.parse(data);
    said.textContent = `This training runs: ${counted(news.history.length, "epoch")} so far.`;
    onNews(news);
  });
  source.addEventListener("problem", ({ data }) => end(JSON.parse(data).error));
  source.addEventListener("end", ({ data }) => end(ENDS[JSON.parse(data).why]));
  source.addEventListener("error", () => {
    // The browser tries again by itself, unless it has given up; after an end of ours it reports nothing.
    if (source.readyState === EventSource.CLOSED)
      end("The lab does not answer any more: start it again, then reload this page.");
  });
}
