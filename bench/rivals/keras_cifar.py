"""`cifar_cnn` in Keras on CIFAR-10: 2,168,362 parameters, Adam, 20 epochs."""

import time

import keras
from images import read_cifar10
from keras import layers
from keras_epochs import options, train


def main() -> None:
    args = options(__doc__, epochs=20).parse_args()
    keras.utils.set_random_seed(args.seed)
    start = time.perf_counter()
    data = read_cifar10()
    reading_seconds = time.perf_counter() - start
    model = keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, padding="same", activation="relu"),
            layers.Conv2D(64, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(512, activation="relu"),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ]
    )
    assert model.count_params() == 2_168_362
    train(model, data, args, reading_seconds=reading_seconds)


if __name__ == "__main__":
    main()
