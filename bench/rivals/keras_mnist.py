"""`mnist_cnn` in Keras on MNIST or Fashion-MNIST: 121,930 parameters, Adam, 5 epochs."""

import time

import keras
from images import read_idx_set
from keras import layers
from keras_epochs import options, train


def main() -> None:
    parser = options(__doc__, epochs=5)
    parser.add_argument("--data", choices=("mnist", "fashion-mnist"), default="mnist")
    args = parser.parse_args()
    keras.utils.set_random_seed(args.seed)
    start = time.perf_counter()
    data = read_idx_set(args.data)
    reading_seconds = time.perf_counter() - start
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    assert model.count_params() == 121_930
    train(model, data, args, reading_seconds=reading_seconds)


if __name__ == "__main__":
    main()
