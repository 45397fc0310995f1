/** Any network of the zoo at any input size, and one of one's own built from blocks. */

import { Address } from "../shared/address.js";
import { grouped, rough } from "../shared/numbers.js";
import { byId, make } from "../shared/page.js";
import { Problem, reason } from "../shared/problem.js";
import { Builder } from "./architectures/builder.js";
import { fieldText, layerRows, shapeText, silhouette } from "./architectures/layers.js";
import { follow, totals } from "./architectures/shapes.js";

/** @typedef {import("./architectures/shapes.js").Layer} Layer */
/** @typedef {import("./architectures/shapes.js").Outcome} Outcome */
/**
 * @typedef {{name: string, description: string, paper: string, size: number, min_size: number, in_channels: number,
 *   num_classes: number, layers: Layer[], layers_at: Record<string, Layer[]>}} Network
 */

const [FIRST, LARGEST_SIZE] = ["resnet18", 4096];
const EXPLORING = ["explore", "layers"];
const BUILDING = ["build", "blocks", "add-row", "code-place"];

class ArchitecturesRoom {
  /** @param {Network[]} networks @param {Problem} problem */
  constructor(networks, problem) {
    this.networks = networks;
    this.problem = problem;
    this.network = this.named(FIRST) ?? networks[0];
    this.size = this.network.size;
    this.select = byId("network", HTMLSelectElement);
    this.sizeField = byId("size", HTMLInputElement);
    this.published = byId("published", HTMLButtonElement);
    this.address = new Address(() => this.fromAddress());
    this.builder = new Builder((layers, outcomes, image) => {
      drawSilhouette(outcomes, image);
      byId("finding", HTMLElement).textContent = built(layers, outcomes, image);
      this.address.keep(this.builder.address());
    });
    this.select.append(...networks.map(({ name }) => make("option", { value: name }, name)));
    this.listen();
    this.fromAddress();
  }

  listen() {
    this.select.addEventListener("change", () => {
      this.network = this.named(this.select.value) ?? this.network;
      this.explore(this.network.size);
    });
    this.sizeField.addEventListener("input", () => {
      const size = Number(this.sizeField.value);
      if (isSize(size)) this.explore(size);
    });
    this.published.addEventListener("click", () => this.explore(this.network.size));
    byId("view-explore", HTMLButtonElement).addEventListener("click", () => this.show(false));
    byId("view-build", HTMLButtonElement).addEventListener("click", () => this.show(true));
  }

  /** @param {string | null} name */
  named(name) {
    return this.networks.find((network) => network.name === name);
  }

  fromAddress() {
    const { words } = this.address;
    const wanted = this.named(words.get("network"));
    const size = Number(words.get("size"));
    this.network = wanted ?? this.network;
    this.size = isSize(size) ? size : (wanted?.size ?? this.size);
    if (words.has("build")) this.builder.take(words);
    this.show(words.has("build"));
  }

  /** @param {boolean} building or else exploring */
  show(building) {
    for (const id of BUILDING) byId(id, HTMLElement).hidden = !building;
    for (const id of EXPLORING) byId(id, HTMLElement).hidden = building;
    this.problem.clear();
    byId("view-build", HTMLElement).setAttribute("aria-pressed", String(building));
    byId("view-explore", HTMLElement).setAttribute("aria-pressed", String(!building));
    if (building) this.builder.draw();
    else this.explore(this.size);
  }

  /** The chosen network for images of another size. @param {number} size */
  explore(size) {
    this.size = size;
    const { network } = this;
    const image = [network.in_channels, size, size];
    const fits = size >= network.min_size;
    this.select.value = network.name;
    this.sizeField.value = String(size);
    this.published.hidden = size === network.size;
    this.published.textContent = `as published: ${network.size}`;
    byId("about", HTMLElement).textContent =
      `${network.name}: ${network.description}.${network.paper ? ` ${network.paper}.` : ""}`;
    const advice = `use a size of ${network.min_size} or more`;
    if (fits) this.problem.clear();
    else this.problem.tell(`${network.name} cannot take images of ${size} × ${size}: ${advice}.`);
    const layers = fits ? sized(network, size) : [];
    const outcomes = follow(layers, image);
    const { parameters, multiplyAdds } = totals(outcomes);
    byId("rows", HTMLElement).replaceChildren(...(fits ? layerRows(layers, outcomes, image) : []));
    byId("total-parameters", HTMLElement).textContent = fits ? grouped(parameters) : "";
    byId("total-multiply-adds", HTMLElement).textContent = fits ? grouped(multiplyAdds) : "";
    drawSilhouette(outcomes, image);
    byId("finding", HTMLElement).textContent = fits
      ? explored(network, outcomes, image)
      : `${network.name} needs larger images.`;
    this.address.keep(new URLSearchParams({ network: network.name, size: String(size) }));
  }
}

/** @param {number} size */
function isSize(size) {
  return Number.isInteger(size) && size >= 1 && size <= LARGEST_SIZE;
}

/**
 * The network's layers for a size: a flattening head grows with the image.
 * @param {Network} network @param {number} at
 */
function sized(network, at) {
  const layers = network.layers_at[at] ?? network.layers;
  const flat = layers.findIndex(({ kind }) => kind === "Flatten");
  const outcomes = follow(layers, [network.in_channels, at, at]);
  return layers.map((layer, i) => {
    const inputs = outcomes[(layer.from ?? [i - 1])[0]]?.row?.shape[0];
    return layer.kind === "Linear" && flat >= 0 && i > flat && inputs ? { ...layer, in: inputs } : layer;
  });
}

/** @param {Outcome[]} outcomes @param {number[]} image */
function drawSilhouette(outcomes, image) {
  byId("silhouette", HTMLElement).replaceChildren(silhouette(outcomes, image));
}

/**
 * One sentence about a network of the zoo, or two.
 * @param {Network} network @param {Outcome[]} outcomes @param {number[]} image
 */
function explored({ name }, outcomes, image) {
  const { parameters, multiplyAdds } = totals(outcomes);
  const costs = `${grouped(parameters)} parameters and takes ${rough(multiplyAdds)} multiply-adds`;
  const summary = `${name} has ${costs} for an image of ${shapeText(image)}.`;
  const maps = outcomes.map(({ row }) => row).filter((row) => row?.shape.length === 3 && row.shape[1] > 1);
  const last = maps.at(-1);
  if (!last) return summary;
  const sees = Number.isFinite(last.field.size) ? `${fieldText(last)} pixels each way` : "the whole image";
  return `${summary} Its last maps are ${shapeText(last.shape)}, and each value there sees ${sees}.`;
}

/**
 * One sentence about a network of the reader's own.
 * @param {Layer[]} layers @param {Outcome[]} outcomes @param {number[]} image
 */
function built(layers, outcomes, image) {
  if (!layers.length) return "There is no layer yet: add one, or begin with a network.";
  const broken = outcomes.findIndex(({ problem }) => problem);
  const last = outcomes.at(-1)?.row;
  if (broken >= 0 || !last) return `Layer ${broken + 1} does not fit what comes before it; what is wrong stands there.`;
  const { parameters, multiplyAdds } = totals(outcomes);
  const costs = `${grouped(parameters)} parameters and ${rough(multiplyAdds)} multiply-adds an image`;
  return `${shapeText(image)} becomes ${shapeText(last.shape)} with ${costs}.`;
}

/** @returns {Promise<Network[]>} */
async function readNetworks() {
  const answer = await fetch(new URL("../zoo.json", import.meta.url));
  if (!answer.ok) throw new Error(`zoo.json: ${answer.status}`);
  const { sorts, networks } = await answer.json();
  // The file has each sort of layer once; see lab/zoo.py.
  /** @param {[string, number, number[]?][]} rows @returns {Layer[]} */
  const whole = (rows) => rows.map(([name, sort, from]) => ({ name, ...sorts[sort], ...(from && { from }) }));
  /** @param {any} network */
  const layersAt = (network) => Object.entries(network.layers_at).map(([size, rows]) => [size, whole(rows)]);
  return networks.map((/** @type {any} */ network) => ({
    ...network,
    layers: whole(network.layers),
    layers_at: Object.fromEntries(layersAt(network)),
  }));
}

const problem = new Problem(byId("problem", HTMLElement));
try {
  new ArchitecturesRoom(await readNetworks(), problem);
} catch (error) {
  const way = "Open this page through `sightline lab` or a file server, not as a file.";
  problem.tell(`The networks could not be read (${reason(error)}). ${way}`);
}
