"""Train a Keras network epoch by epoch and tell the test score after each, one JSON line an epoch."""

import argparse
import json
import time

import keras
import numpy as np
from images import Images, Labels


class TellScores(keras.callbacks.Callback):
    """Scores the test images after each epoch.

    uncounted_seconds: what the parent takes off the clock: reading the images, and the scoring of earlier epochs.
    """

    def __init__(self, images: np.ndarray, labels: Labels, uncounted_seconds: float) -> None:
        super().__init__()
        self.images, self.labels, self.uncounted_seconds = images, labels, uncounted_seconds

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        start = time.perf_counter()
        probabilities = self.model.predict(self.images, batch_size=256, verbose=0)
        scores = {
            "epoch": epoch + 1,
            "correct": int((probabilities.argmax(1) == self.labels).sum()),
            "total": len(self.labels),
            "uncounted_seconds": self.uncounted_seconds,
        }
        print(json.dumps(scores), flush=True)
        self.uncounted_seconds += time.perf_counter() - start


def options(description: str | None, *, epochs: int) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--epochs", type=int, default=epochs)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--images", type=int, default=None, help="use only so many training images")
    parser.add_argument("--seed", type=int, default=0)
    return parser


def train(
    model: keras.Model,
    data: tuple[Images, Labels, Images, Labels],
    args: argparse.Namespace,
    *,
    reading_seconds: float,
) -> None:
    """Adam with Keras's defaults on images scaled to [0, 1], as beginners' pages have it."""
    train_images, train_labels, test_images, test_labels = data
    tell = TellScores(test_images.astype("float32") / 255, test_labels, reading_seconds)
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(
        train_images[: args.images].astype("float32") / 255,
        train_labels[: args.images],
        batch_size=args.batch_size,
        epochs=args.epochs,
        verbose=0,
        callbacks=[tell],
    )
