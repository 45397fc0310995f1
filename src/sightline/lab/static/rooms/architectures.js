/** Room 7: any network of the zoo at any input size, and one of one's own built from blocks. */

import { Builder } from "./architectures/builder.js";
import { fieldText, layerRows, rough, shapeText, silhouette } from "./architectures/layers.js";
import { byId, grouped, make } from "../shared/page.js";
import { follow, totals } from "./architectures/shapes.js";

/** @typedef {import("./architectures/shapes.js").Layer} Layer */
/** @typedef {import("./architectures/shapes.js").Outcome} Outcome */
/** @typedef {{name: string, description: string, paper: string, size: number, min_size: number, in_channels: number, num_classes: number, layers: Layer[], layers_at: Record<string, Layer[]>}} Network */

const select = byId("network", HTMLSelectElement);
const sizeField = byId("size", HTMLInputElement);
const published = byId("published", HTMLButtonElement);
/** @type {Network[]} */
let networks = [];
let name = "resnet18";
let size = 224;

const builder = new Builder((layers, outcomes, image) => {
  drawSilhouette(outcomes, image);
  tellBuilt(layers, outcomes, image);
  remember(builder.address());
});

function explore() {
  const network = networks.find((one) => one.name === name) ?? networks[0];
  const image = [network.in_channels, size, size];
  select.value = network.name;
  sizeField.value = String(size);
  published.hidden = size === network.size;
  published.textContent = `as published: ${network.size}`;
  byId("about", HTMLElement).textContent =
    `${network.name}: ${network.description}.${network.paper ? ` ${network.paper}.` : ""}`;
  const problem = byId("problem", HTMLElement);
  problem.hidden = size >= network.min_size;
  problem.textContent = `${network.name} cannot take images of ${size} × ${size}: use a size of ${network.min_size} or more.`;
  const layers = sized(network, size);
  const outcomes = problem.hidden ? follow(layers, image) : layers.map(() => ({ row: null, problem: "" }));
  byId("rows", HTMLElement).replaceChildren(...(problem.hidden ? layerRows(layers, outcomes, image) : []));
  const { parameters, multiplyAdds } = totals(outcomes);
  byId("total-parameters", HTMLElement).textContent = problem.hidden ? grouped(parameters) : "";
  byId("total-multiply-adds", HTMLElement).textContent = problem.hidden ? grouped(multiplyAdds) : "";
  drawSilhouette(outcomes, image);
  const last = outcomes
    .map(({ row }) => row)
    .filter((row) => row?.shape.length === 3 && row.shape[1] > 1)
    .at(-1);
  byId("finding", HTMLElement).textContent = problem.hidden
    ? `${network.name} has ${grouped(parameters)} parameters and takes ${rough(multiplyAdds)} multiply-adds for an image of ${shapeText(image)}.${last ? ` Its last maps are ${shapeText(last.shape)}, and each value there sees ${Number.isFinite(last.field.size) ? `${fieldText(last)} pixels each way` : "the whole image"}.` : ""}`
    : `${network.name} needs larger images.`;
  remember(`network=${network.name}&size=${size}`);
}

/** The network's layers for that size: a flattening head grows with the image. @param {Network} network @param {number} at */
function sized(network, at) {
  const layers = network.layers_at[at] ?? network.layers;
  const flat = layers.findIndex(({ kind }) => kind === "Flatten");
  const outcomes = follow(layers, [network.in_channels, at, at]);
  return layers.map((layer, i) => {
    const seen = outcomes[(layer.from ?? [i - 1])[0]]?.row?.shape[0];
    return layer.kind === "Linear" && flat >= 0 && i > flat && seen ? { ...layer, in: seen } : layer;
  });
}

/** @param {Outcome[]} outcomes @param {number[]} image */
function drawSilhouette(outcomes, image) {
  byId("silhouette", HTMLElement).replaceChildren(silhouette(outcomes, image));
}

/** @param {Layer[]} layers @param {Outcome[]} outcomes @param {number[]} image */
function tellBuilt(layers, outcomes, image) {
  const broken = outcomes.findIndex(({ problem }) => problem);
  const { parameters, multiplyAdds } = totals(outcomes);
  const last = outcomes.at(-1)?.row;
  byId("finding", HTMLElement).textContent = !layers.length
    ? "There is no layer yet: add one, or begin with a network."
    : broken >= 0 || !last
      ? `Layer ${broken + 1} does not fit what comes before it; what is wrong stands there.`
      : `${shapeText(image)} becomes ${shapeText(last.shape)} with ${grouped(parameters)} parameters and ${rough(multiplyAdds)} multiply-adds an image.`;
}

/** @param {boolean} building */
function show(building) {
  for (const [id, on] of /** @type {[string, boolean][]} */ ([
    ["build", building],
    ["blocks", building],
    ["add-row", building],
    ["code-place", building],
    ["explore", !building],
    ["layers", !building],
  ])) {
    byId(id, HTMLElement).hidden = !on;
  }
  byId("problem", HTMLElement).hidden = true;
  byId("view-build", HTMLElement).setAttribute("aria-pressed", String(building));
  byId("view-explore", HTMLElement).setAttribute("aria-pressed", String(!building));
  if (building) builder.draw();
  else if (networks.length) explore();
}

function fromAddress() {
  const words = new URLSearchParams(location.hash.slice(1));
  const wanted = networks.find((network) => network.name === words.get("network"));
  if (wanted) name = wanted.name;
  const at = Number(words.get("size"));
  size = Number.isInteger(at) && at >= 1 && at <= 4096 ? at : (wanted?.size ?? size);
  if (words.has("build")) builder.take(words);
  show(words.has("build"));
}

let address = "";
/** @param {string} words */
function remember(words) {
  address = `#${words}`;
  history.replaceState(null, "", address);
}

async function start() {
  const answer = await fetch(new URL("../zoo.json", import.meta.url));
  if (!answer.ok) throw new Error(`zoo.json: ${answer.status}`);
  networks = await answer.json();
  select.append(...networks.map((network) => make("option", { value: network.name }, network.name)));
  select.addEventListener("change", () => {
    name = select.value;
    size = networks.find((network) => network.name === name)?.size ?? size;
    explore();
  });
  sizeField.addEventListener("input", () => {
    const value = Number(sizeField.value);
    if (!Number.isInteger(value) || value < 1 || value > 4096) return;
    size = value;
    explore();
  });
  published.addEventListener("click", () => {
    size = networks.find((network) => network.name === name)?.size ?? size;
    explore();
  });
  byId("view-explore", HTMLButtonElement).addEventListener("click", () => show(false));
  byId("view-build", HTMLButtonElement).addEventListener("click", () => show(true));
  addEventListener("hashchange", () => {
    if (location.hash !== address) fromAddress();
  });
  fromAddress();
}

start().catch((error) => {
  const problem = byId("problem", HTMLElement);
  problem.textContent = `The networks could not be read (${error.message}). Open this page through \`sightline lab\` or a file server, not as a file.`;
  problem.hidden = false;
});
