/** Layers as Python: a plain nn.Sequential, or a network that Sightline trains by name. Pure. */

/** @typedef {import("./shapes.js").Layer} Layer */
/** @typedef {import("./shapes.js").Outcome} Outcome */

/**
 * nn.Sequential of layers that all have a row.
 * @param {Layer[]} layers @param {Outcome[]} outcomes @param {number[]} image
 */
export function sequentialCode(layers, outcomes, image) {
  const lines = described(layers, outcomes, image).map(([code, shapes]) => `    ${code},  # ${shapes}`);
  return (
    [
      "from torch import nn",
      "",
      `network = nn.Sequential(  # images of ${image.join(" x ")}, as (B, C, H, W)`,
      ...lines,
      ")",
    ].join("\n") + "\n"
  );
}

/**
 * A module that registers the network: stages make maps, the head begins where maps end. Empty where the layers do not
 * end in a Linear layer after maps. @param {Layer[]} layers @param {Outcome[]} outcomes @param {number[]} image
 */
export function sightlineCode(layers, outcomes, image) {
  const end = layers.findIndex(({ kind }) => kind === "Flatten" || kind === "AdaptiveAvgPool2d");
  const last = layers.at(-1);
  if (end < 1 || last?.kind !== "Linear") return "";
  const lines = described(layers, outcomes, image);
  const [channels, size] = image;
  const line = (/** @type {[string, string]} */ [code, shapes], /** @type {string} */ prefix = "") =>
    `            ${prefix}${code},  # ${shapes}`;
  const head = lines.slice(end).map((one, i) => {
    const output = end + i === layers.length - 1;
    return line(
      output
        ? /** @type {[string, string]} */ ([one[0].replace(/, \d+(, bias=False)?\)$/, ", num_classes$1)"), one[1]])
        : one,
      `${output ? "output" : `part${i}`}=`,
    );
  });
  const images = `images of ${size} x ${size} pixels`;
  const sizes = `size=${size}, min_size=${size}, in_channels=${channels}, num_classes=${last.out}`;
  return `"""A network from the lab, for ${images}. Import this module, then train it by its name:

    import sightline
    import my_network

    sightline.train("DATA", model="my_network", size=${size})
"""

from torch import nn

from sightline.models.blocks import sequential
from sightline.models.contract import Network
from sightline.models.registry import register


@register("my_network", ${sizes}, description="built in the lab")
class MyNetwork(Network):
    """(B, ${channels}, ${size}, ${size}) -> (B, num_classes)."""

    def __init__(self, num_classes: int, in_channels: int, size: int) -> None:
        super().__init__()
        self.input_shape = (in_channels, size, size)
        self.stages = nn.Sequential(
${lines
  .slice(0, end)
  .map((one, i) => line(i === 0 ? [one[0].replace(`(${channels}, `, "(in_channels, "), one[1]] : one))
  .join("\n")}
        )
        self.head = sequential(
${head.join("\n")}
        )
`;
}

/**
 * Each layer's code, and what it does to the shape.
 * @param {Layer[]} layers @param {Outcome[]} outcomes @param {number[]} image @returns {[string, string][]}
 */
function described(layers, outcomes, image) {
  let before = image;
  return layers.map((layer, i) => {
    const shape = outcomes[i].row?.shape ?? [];
    const words =
      String(before) === String(shape) ? shape.join(" x ") : `${before.join(" x ")} -> ${shape.join(" x ")}`;
    const code = layerCode(layer, before[0]);
    before = shape;
    return [code, words];
  });
}

/** @param {Layer} layer @param {number} inputs channels or features */
export function layerCode(
  { kind, out, kernel = 2, stride = kind === "Conv2d" ? 1 : kernel, padding = 0, bias = true, size = 1, p = 0.5 },
  inputs,
) {
  const pads = padding === 0 ? "" : `, padding=${typeof padding === "string" ? `"${padding}"` : padding}`;
  switch (kind) {
    case "Conv2d": {
      const strides = stride === 1 ? "" : `, stride=${stride}`;
      return `nn.Conv2d(${inputs}, ${out}, ${kernel}${strides}${pads}${bias ? "" : ", bias=False"})`;
    }
    case "MaxPool2d":
    case "AvgPool2d": {
      const strides = stride === kernel ? "" : `, stride=${stride}`;
      const counts = kind === "AvgPool2d" && padding ? ", count_include_pad=False" : "";
      return `nn.${kind}(${kernel}${strides}${pads}${counts})`;
    }
    case "AdaptiveAvgPool2d":
      return `nn.AdaptiveAvgPool2d(${size})`;
    case "BatchNorm2d":
      return `nn.BatchNorm2d(${inputs})`;
    case "Linear":
      return `nn.Linear(${inputs}, ${out}${bias ? "" : ", bias=False"})`;
    case "Dropout":
      return `nn.Dropout(${p})`;
    default:
      return `nn.${kind}()`;
  }
}
