/**
 * The blocks one can build with: what can be set about them, how the address writes them, and networks to begin from.
 * Pure.
 */

/** @typedef {import("./shapes.js").Layer} Layer */
/** @typedef {{key: string, label: string, min: number, max: number, words?: string[], usual: number}} Setting */

/** @type {Record<string, {label: string, settings: Setting[], does: string}>} */
export const BLOCKS = {
  Conv2d: {
    label: "Conv",
    does: "slides filters over the maps; each makes one map",
    settings: [
      { key: "out", label: "filters", min: 1, max: 4096, usual: 32 },
      { key: "kernel", label: "kernel", min: 1, max: 15, usual: 3 },
      { key: "stride", label: "stride", min: 1, max: 8, usual: 1 },
      { key: "padding", label: "padding", min: 0, max: 7, usual: 1 },
    ],
  },
  BatchNorm2d: {
    label: "Batch norm",
    does: "gives each map mean 0 and deviation 1, then a learnt scale and shift",
    settings: [],
  },
  ReLU: { label: "ReLU", does: "negative values become 0", settings: [] },
  MaxPool2d: { label: "Max pool", does: "keeps the largest value of each window", settings: pooling() },
  AvgPool2d: { label: "Average pool", does: "keeps the mean of each window", settings: pooling() },
  AdaptiveAvgPool2d: {
    label: "Global average pool",
    does: "keeps one mean a map, however large the map",
    settings: [],
  },
  Flatten: { label: "Flatten", does: "lays all maps out as one vector", settings: [] },
  Linear: {
    label: "Linear",
    does: "every output sees every input",
    settings: [{ key: "out", label: "outputs", min: 1, max: 65536, usual: 10 }],
  },
  Dropout: { label: "Dropout", does: "silences half of the values while training", settings: [] },
};

/** @returns {Setting[]} */
function pooling() {
  return [
    { key: "kernel", label: "window", min: 1, max: 15, usual: 2 },
    { key: "stride", label: "stride", min: 1, max: 8, usual: 2 },
    { key: "padding", label: "padding", min: 0, max: 7, usual: 0 },
  ];
}

/** A block with its usual settings. @param {string} kind @returns {Layer} */
export function newBlock(kind) {
  return { kind, ...Object.fromEntries(BLOCKS[kind].settings.map(({ key, usual }) => [key, usual])) };
}

/** "Conv2d.32.3.1.1-ReLU-...". @param {Layer[]} layers */
export function encode(layers) {
  return layers
    .map((layer) =>
      [layer.kind, ...BLOCKS[layer.kind].settings.map(({ key }) => /** @type {any} */ (layer)[key])].join("."),
    )
    .join("-");
}

/** The layers of such words; what makes no sense is left out. @param {string} words @returns {Layer[]} */
export function decode(words) {
  return words.split("-").flatMap((word) => {
    const [kind, ...values] = word.split(".");
    if (!Object.hasOwn(BLOCKS, kind)) return [];
    const layer = newBlock(kind);
    BLOCKS[kind].settings.forEach(({ key, min, max }, i) => {
      const value = Number(values[i]);
      if (Number.isInteger(value) && value >= min && value <= max) Object.assign(layer, { [key]: value });
    });
    return [layer];
  });
}

/**
 * Networks to begin from: name, image as channels and size, layers.
 * @type {Record<string, {name: string, channels: number, size: number, words: string}>}
 */
export const PRESETS = {
  first: {
    name: "a first CNN",
    channels: 1,
    size: 28,
    words:
      "Conv2d.16.3.1.1-ReLU-MaxPool2d.2.2.0-Conv2d.32.3.1.1-ReLU-MaxPool2d.2.2.0-Flatten-Linear.128-ReLU-Linear.10",
  },
  lenet: {
    name: "like LeNet-5",
    channels: 1,
    size: 32,
    words:
      "Conv2d.6.5.1.0-ReLU-AvgPool2d.2.2.0-Conv2d.16.5.1.0-ReLU-AvgPool2d.2.2.0-" +
      "Flatten-Linear.120-ReLU-Linear.84-ReLU-Linear.10",
  },
  vgg: {
    name: "like VGG",
    channels: 3,
    size: 32,
    words:
      "Conv2d.64.3.1.1-BatchNorm2d-ReLU-Conv2d.64.3.1.1-BatchNorm2d-ReLU-MaxPool2d.2.2.0-" +
      "Conv2d.128.3.1.1-BatchNorm2d-ReLU-Conv2d.128.3.1.1-BatchNorm2d-ReLU-MaxPool2d.2.2.0-" +
      "AdaptiveAvgPool2d-Flatten-Dropout-Linear.10",
  },
  broken: {
    name: "one with mistakes to find",
    channels: 3,
    size: 28,
    words: "Conv2d.32.5.2.0-ReLU-MaxPool2d.2.2.0-Conv2d.64.7.1.0-ReLU-Linear.10",
  },
};
