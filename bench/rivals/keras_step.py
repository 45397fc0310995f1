"""`custom_cnn` in Keras on TensorFlow: the compiled step that `model.fit` runs, on batches made beforehand.

Nothing of fit's surroundings is counted: no callbacks, no epochs, no slicing of arrays.
"""

import argparse

import keras
import tensorflow as tf
from keras import layers
from serve import serve


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--batch-size", type=int, required=True)
    args = parser.parse_args()

    keras.utils.set_random_seed(0)
    model = custom_cnn(keras.regularizers.l2(1e-4))
    assert sum(int(tf.size(weight.value)) for weight in model.trainable_weights) == 815_530
    model.compile(optimizer=keras.optimizers.Adam(1e-3), loss="sparse_categorical_crossentropy")
    images = tf.random.uniform((args.steps, args.batch_size, 32, 32, 3))
    labels = tf.random.uniform((args.steps, args.batch_size), maxval=10, dtype=tf.int32)
    batches = iter(tf.data.Dataset.from_tensor_slices((images, labels)).repeat().prefetch(2))
    model.make_train_function()

    def epoch() -> float:
        for _ in range(args.steps):
            logs = model.train_function(batches)
        return float(logs["loss"])

    serve(epoch)


def custom_cnn(l2: keras.Regularizer) -> keras.Model:
    """Three pairs of convolutions with batch norm before ReLU: 32, 64, 128 filters, then 256 units and 10 classes."""
    blocks: list[keras.Layer] = []
    for filters in (32, 64, 128):
        for _ in range(2):
            blocks += [layers.Conv2D(filters, 3, padding="same", kernel_regularizer=l2)]
            blocks += [layers.BatchNormalization(), layers.ReLU()]
        blocks += [layers.MaxPooling2D(), layers.Dropout(0.25)]
    head = [
        layers.Flatten(),
        layers.Dense(256, kernel_regularizer=l2),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.Dropout(0.5),
        layers.Dense(10, activation="softmax", kernel_regularizer=l2),
    ]
    return keras.Sequential([keras.Input((32, 32, 3)), *blocks, *head])


if __name__ == "__main__":
    main()
