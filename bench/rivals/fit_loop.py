"""Ours: rounds of `sightline.fit`, an epoch of a few steps each, on random images that are resident on the device."""

import argparse

import torch
from serve import serve

import sightline as sl
from sightline.data.imageset import ArrayImages

MEAN = STD = (0.5, 0.5, 0.5)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--batch-size", type=int, required=True)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--l2", type=float, default=1e-4)
    args = parser.parse_args()

    torch.manual_seed(0)
    count = args.steps * args.batch_size
    images = ArrayImages(torch.randint(256, (count, 3, 32, 32), dtype=torch.uint8))
    classes, ids = tuple("0123456789"), tuple(map(str, range(count)))
    train = sl.ImageSet(images, torch.randint(10, (count,)), classes, ids)
    config = sl.TrainConfig(
        epochs=1_000_000,  # the parent decides when it is enough
        batch_size=args.batch_size,
        groups=(sl.ParameterGroup(optimizer="adamw", lr=1e-3),),
        schedule="constant",
        l2=args.l2,
        device=args.device,
    )
    network = sl.create_model("custom_cnn", num_classes=10)
    preprocess = sl.Preprocess(size=(32, 32), mean=MEAN, std=STD)
    epochs = sl.fit(network, sl.Splits("random", train, None, None), config, preprocess=preprocess)
    serve(lambda: next(epochs))


if __name__ == "__main__":
    main()
