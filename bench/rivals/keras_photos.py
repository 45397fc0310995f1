"""Keras on the clothing photos: its own MobileNetV2 with the same weights, frozen, pooling and one dense layer, Adam.

As Keras's guide to transfer learning: `image_dataset_from_directory`, mirroring and rotation, dropout 0.2, 10 epochs at
1e-3 with batches of 32. `bench/photos.py` first checks that the network is timm's.
"""

import keras
import numpy as np
from keras import layers
from photo_data import BATCH_NORM_EPSILON, SIZE, answer, options, photo_folder, weights_path
from safetensors.numpy import load_file

Tensors = dict[str, np.ndarray]
REPEATS = (1, 2, 3, 4, 3, 3, 1)  # inverted residuals of each stage: MobileNetV2 (arXiv:1801.04381), table 2


def main() -> None:
    args = options(__doc__)
    keras.utils.set_random_seed(args.seed)
    train_set = keras.utils.image_dataset_from_directory(
        photo_folder("train"), image_size=(SIZE, SIZE), batch_size=32, seed=args.seed, verbose=False
    )
    test_set = keras.utils.image_dataset_from_directory(
        photo_folder("test"), image_size=(SIZE, SIZE), batch_size=32, shuffle=False, verbose=False
    )
    model = classifier(mobilenet_v2(load_file(weights_path())), len(train_set.class_names))
    model.compile(optimizer=keras.optimizers.Adam(1e-3), loss="sparse_categorical_crossentropy")
    model.fit(train_set.prefetch(2), epochs=args.epochs, verbose=0)
    predicted = model.predict(test_set.prefetch(2), verbose=0).argmax(1)
    answer(test_set.file_paths, predicted, train_set.class_names, args.out)


def classifier(backbone: keras.Model, num_classes: int) -> keras.Model:
    backbone.trainable = False
    inputs = keras.Input((SIZE, SIZE, 3))
    x = layers.RandomFlip("horizontal")(inputs)
    x = layers.RandomRotation(0.1)(x)
    x = layers.Rescaling(1 / 127.5, offset=-1)(x)
    x = backbone(x, training=False)  # batch normalisation keeps its statistics
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(0.2)(x)
    return keras.Model(inputs, layers.Dense(num_classes, activation="softmax")(x))


def mobilenet_v2(tensors: Tensors) -> keras.Model:
    """Keras's MobileNetV2 without its classifier, with the tensors of timm's `mobilenetv2_100`."""
    model = keras.applications.MobileNetV2(input_shape=(SIZE, SIZE, 3), include_top=False, weights=None)
    pairs = [("Conv1", "bn_Conv1", "conv_stem", "bn1"), ("Conv_1", "Conv_1_bn", "conv_head", "bn2")]
    blocks = [f"blocks.{stage}.{i}" for stage, repeats in enumerate(REPEATS) for i in range(repeats)]
    for number, block in enumerate(blocks):
        layer = f"block_{number}" if number else "expanded_conv"
        parts = [("expand", "conv_pw"), ("depthwise", "conv_dw"), ("project", "conv_pwl")]
        if not number:  # the first block does not expand, and timm calls its projection otherwise
            parts = [("depthwise", "conv_dw"), ("project", "conv_pw")]
        pairs += [
            (f"{layer}_{ours}", f"{layer}_{ours}_BN", f"{block}.{timms}", f"{block}.bn{i}")
            for i, (ours, timms) in enumerate(parts, start=1)
        ]
    for convolution, norm, source, source_norm in pairs:
        # torch has (out, in, height, width); Keras (height, width, in, out), and (height, width, in, 1) by depth.
        by_depth = convolution.endswith("depthwise")
        kernel = tensors[f"{source}.weight"].transpose((2, 3, 0, 1) if by_depth else (2, 3, 1, 0))
        model.get_layer(convolution).set_weights([kernel])
        scale, shift, mean, variance = (
            tensors[f"{source_norm}.{name}"] for name in ("weight", "bias", "running_mean", "running_var")
        )
        layer = model.get_layer(norm)
        layer.set_weights([scale, shift, mean, variance + BATCH_NORM_EPSILON - layer.epsilon])
    assert 2 * len(pairs) == sum(bool(layer.weights) for layer in model.layers)
    return model


if __name__ == "__main__":
    main()
