/** Teach: gather pictures into classes, train, try. The server keeps everything; this page shows its state. */

import { Curves } from "../shared/curves.js";
import { about, fetchData, sendData } from "../shared/data.js";
import { counted } from "../shared/numbers.js";
import { byId, make } from "../shared/page.js";
import { Webcam } from "../shared/webcam.js";

/** @typedef {{id: string, uri: string, split: string}} Picture */
/** @typedef {{name: string, pictures: Picture[]}} Class */
/**
 * @typedef {{running: boolean, lines: string[], outcome: string, run: string, result?: string,
 *   epochs: [number, number | null][], counts: Record<string, number>}} Training
 */
/** @typedef {{folder: string, classes: Class[], missing: string, hint: string, training: Training | null}} State */

const LOOK_EVERY = 700; // milliseconds between two looks at a training that runs
const SHOTS = 250; // milliseconds between two pictures while the button is held
const SPLITS = /** @type {Record<string, string>} */ ({ train: "training", val: "validation", test: "test" });

/** @type {State} */
let state;
const webcam = new Webcam(byId("video", HTMLVideoElement));
const problem = byId("problem", HTMLElement);
let polling = 0;
let curves = /** @type {Curves | null} */ (null);

/**
 * Ask the server for something and show what it answers.
 * @param {string} address @param {BodyInit} [body] @returns {Promise<any>}
 */
async function ask(address, body = "") {
  try {
    const answer = await sendData(`teach/${address}`, body);
    problem.hidden = true;
    return answer;
  } catch (error) {
    problem.textContent = error instanceof Error ? error.message : String(error);
    problem.hidden = false;
    return null;
  }
}

/** @param {string} address */
async function change(address) {
  if (await ask(address)) await refresh();
}

async function refresh() {
  state = await fetchData("teach.json");
  drawClasses();
  drawTraining();
}

/** Look at the training alone; at everything when its split is new, and when it has ended. */
async function follow() {
  try {
    const before = state.training;
    state.training = await fetchData("teach/training.json");
    const splitIsNew = Object.keys(state.training?.counts ?? {}).length && !Object.keys(before?.counts ?? {}).length;
    if (splitIsNew || !state.training?.running) await refresh();
    else drawTraining();
  } catch {
    problem.textContent =
      "The lab does not answer any more: start it again where it was started, then reload this page.";
    problem.hidden = false;
  }
}

/** @param {Record<string, string>} words */
const query = (words) => new URLSearchParams(words).toString();

function drawClasses() {
  const open = document.activeElement?.id;
  byId("classes", HTMLElement).replaceChildren(...state.classes.map(drawClass));
  byId("folder", HTMLElement).textContent = state.folder
    ? `Kept in ${state.folder}, where the lab was started; your own files stay as they are.`
    : "What you gather is kept in a new folder taught-1 where the lab was started; your own files stay as they are.";
  byId("missing", HTMLElement).textContent = state.missing || state.hint || "Ready to train.";
  byId("train", HTMLButtonElement).disabled = Boolean(state.missing) || Boolean(state.training?.running);
  if (open) document.getElementById(open)?.focus();
}

/** @param {Class} one @param {number} number */
function drawClass({ name, pictures }, number) {
  const counts = Object.entries(SPLITS)
    .map(([split, words]) => [pictures.filter((picture) => picture.split === split).length, words])
    .filter(([count]) => count);
  const file = make("input", { type: "file", accept: "image/*", multiple: "" });
  file.addEventListener("change", () => give(name, [...(file.files ?? [])]));
  const shoot = make("button", { type: "button", class: "button", id: `shoot-${number}` }, "Hold to take pictures");
  shoot.hidden = !webcam.on;
  hold(shoot, async () => give(name, [await webcam.shoot()]));
  const rename = make("button", { type: "button", class: "plain" }, "Rename");
  rename.addEventListener("click", () => {
    const to = prompt(`Another name for ${name}`, name)?.trim();
    if (to && to !== name) change(`rename?${query({ name, to })}`);
  });
  const remove = make("button", { type: "button", class: "plain" }, "Remove");
  remove.addEventListener("click", () => change(`remove?${query({ name })}`));
  const section = make(
    "section",
    { class: "class", "aria-label": name },
    make(
      "div",
      { class: "row" },
      make("h3", {}, name),
      make(
        "span",
        { class: "hint" },
        `${counted(pictures.length, "picture")}${counts.length ? `: ${counts.map(([count, words]) => `${count} ${words}`).join(", ")}` : ""}`,
      ),
      rename,
      remove,
    ),
    make(
      "div",
      { class: "row" },
      make("label", { class: "file" }, "Add pictures", file),
      shoot,
      make("span", { class: "hint" }, "or drop them here"),
    ),
    make(
      "div",
      { class: "gathered" },
      ...pictures.map(({ id, uri, split }) => {
        const drop = make(
          "button",
          {
            type: "button",
            "aria-label": `Remove ${id} of ${name}`,
            title: split ? `${SPLITS[split] ?? split}; press to remove` : "press to remove",
          },
          make("img", { src: uri, alt: "" }),
        );
        drop.addEventListener("click", () => change(`remove-picture?${query({ name, file: id })}`));
        return drop;
      }),
    ),
  );
  section.addEventListener("dragover", (event) => {
    event.preventDefault();
    section.classList.add("over");
  });
  section.addEventListener("dragleave", () => section.classList.remove("over"));
  section.addEventListener("drop", (event) => {
    event.preventDefault();
    give(name, [...(event.dataTransfer?.files ?? [])]);
  });
  return section;
}

/** @param {HTMLButtonElement} button @param {() => Promise<void>} press while it is held, again and again */
function hold(button, press) {
  let held = false;
  const go = async () => {
    while (held) {
      const began = performance.now();
      await press();
      await new Promise((done) => setTimeout(done, Math.max(0, SHOTS - (performance.now() - began))));
      if (!button.isConnected) {
        const again = document.getElementById(button.id); // it was drawn anew
        if (!(again instanceof HTMLButtonElement)) held = false;
      }
    }
  };
  button.addEventListener("pointerdown", () => {
    held = true;
    const released = new AbortController();
    const release = () => {
      held = false;
      released.abort();
    };
    for (const end of ["pointerup", "pointercancel", "blur"])
      addEventListener(end, release, { signal: released.signal }); // a finger that scrolls ends with pointercancel
    go();
  });
  button.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") press();
  });
}

/** @param {string} name @param {Blob[]} files */
async function give(name, files) {
  for (const file of files) {
    if (file.size > 20 * 2 ** 20) {
      problem.textContent = "A picture has more than 20 MB: choose a smaller one.";
      problem.hidden = false;
    } else await ask(`picture?${query({ name })}`, file);
  }
  const told = problem.hidden ? "" : problem.textContent;
  await refresh();
  if (told) [problem.textContent, problem.hidden] = [told, false];
}

function drawTraining() {
  const { training } = state;
  byId("stop", HTMLButtonElement).hidden = !training?.running;
  const said = byId("said", HTMLElement);
  said.hidden = !training;
  if (!training) return;
  said.textContent = training.lines.join("\n");
  said.scrollTop = said.scrollHeight;
  byId("counts", HTMLElement).textContent = Object.keys(training.counts).length
    ? `The split: ${Object.entries(SPLITS)
        .filter(([split]) => training.counts[split])
        .map(([split, words]) => `${training.counts[split]} ${words}`)
        .join(", ")}. Nothing is trained on validation and test pictures.`
    : "";
  const points = /** @type {[number, number][]} */ (
    training.epochs
      .filter(([, accuracy]) => accuracy !== null)
      .map(([epoch, accuracy]) => [epoch, 100 * (accuracy ?? 0)])
  );
  curves ??= new Curves(byId("epochs", HTMLElement), "Validation pictures recognised", {
    limits: [0, 100],
    text: (value) => `${value.toFixed(0)} %`,
    onEpoch: () => {},
  });
  byId("epochs", HTMLElement).hidden = points.length < 2;
  curves.draw([{ name: "", tone: "accent", points }], points.at(-1)?.[0] ?? 1);
  if (training.running) {
    byId("missing", HTMLElement).textContent = training.epochs.length
      ? `Training: ${counted(training.epochs.length, "epoch")} so far.`
      : "Training: reading the pictures …";
    clearTimeout(polling);
    polling = setTimeout(follow, LOOK_EVERY);
    return;
  }
  if (training.outcome && training.outcome !== "done") {
    byId("missing", HTMLElement).textContent = training.outcome;
    return;
  }
  byId("look", HTMLElement).hidden = false;
  byId("look-words", HTMLElement).textContent = training.result
    ? `${training.result[0].toUpperCase()}${training.result.slice(1)}.`
    : "It is trained: show it something new.";
  byId("live-label", HTMLElement).hidden = !webcam.on;
  byId("kept", HTMLElement).replaceChildren(
    "It is an ordinary run: ",
    make("code", {}, `sightline predict ${training.run} IMAGE...`),
    ". The other rooms show it now: ",
    make("a", { href: "network.html" }, "Your network"),
    ", ",
    make("a", { href: "time.html" }, "Time machine"),
    ".",
  );
}

/** @param {Blob} picture */
async function look(picture) {
  /** @type {{top: [string, number][], unknown: boolean} | null} */
  const answer = await ask("look", picture);
  if (!answer) return;
  byId("answer", HTMLElement).replaceChildren(
    make(
      "p",
      { class: answer.unknown ? "unknown" : "" },
      make("b", {}, answer.unknown ? "unknown" : answer.top[0][0]),
      answer.unknown ? `: unlike what it was shown; it would be ${answer.top[0][0]}` : "",
    ),
    ...answer.top.slice(0, 8).map(([label, probability]) => {
      const bar = make("span", { class: "count-bar" });
      bar.style.setProperty("width", `${100 * probability}%`);
      return make(
        "div",
        { class: "count" },
        make("span", { class: "count-name" }, label),
        make("span", { class: "count-track" }, bar),
        make("span", { class: "count-words" }, `${(100 * probability).toFixed(1)} %`),
      );
    }),
  );
}

async function keepLooking() {
  while (byId("live", HTMLInputElement).checked && webcam.on) {
    await look(await webcam.shoot());
    await new Promise((done) => setTimeout(done, 150));
  }
}

async function start() {
  const { live } = await about();
  if (!live)
    throw new Error(
      "This copy of the lab cannot train: there is no server behind it. Start the lab on your machine: sightline lab",
    );
  await refresh();
  byId("teach", HTMLElement).hidden = false;
}

byId("new-class", HTMLFormElement).addEventListener("submit", async (event) => {
  event.preventDefault();
  const field = byId("name", HTMLInputElement);
  if (await ask(`add?${query({ name: field.value.trim() })}`)) field.value = "";
  await refresh();
});
byId("camera", HTMLButtonElement).addEventListener("click", async () => {
  if (webcam.on) webcam.stop();
  else {
    try {
      await webcam.start();
      problem.hidden = true;
    } catch (error) {
      problem.textContent = error instanceof Error ? error.message : String(error);
      problem.hidden = false;
    }
  }
  byId("camera-place", HTMLElement).hidden = !webcam.on;
  byId("camera", HTMLButtonElement).textContent = webcam.on ? "Stop the camera" : "Use the camera";
  drawClasses();
  drawTraining();
});
byId("train", HTMLButtonElement).addEventListener("click", () => change("train"));
byId("stop", HTMLButtonElement).addEventListener("click", () => change("stop"));
byId("try", HTMLInputElement).addEventListener("change", () => {
  const [chosen] = byId("try", HTMLInputElement).files ?? [];
  if (!chosen) return;
  const shown = byId("tried", HTMLImageElement);
  URL.revokeObjectURL(shown.src);
  shown.src = URL.createObjectURL(chosen);
  shown.hidden = false;
  look(chosen);
});
byId("live", HTMLInputElement).addEventListener("change", keepLooking);

start().catch((error) => {
  problem.textContent = error.message;
  problem.hidden = false;
});
