"""fastai on the clothing photos: `vision_learner` with timm's MobileNetV2, frozen, one cycle of 10 epochs.

Augmentation (`aug_transforms()`), head, batches of 64 and rates are fastai's defaults. Two things differ, in its
favour: batch normalisation keeps its statistics, as these weights demand, and the test photos are scored only once.
"""

from fastai.vision.all import (
    BnFreeze,
    Callback,
    CancelValidException,
    ImageDataLoaders,
    Resize,
    aug_transforms,
    set_seed,
    vision_learner,
)
from photo_data import SIZE, answer, options, photo_folder, weights_path


class NoValidation(Callback):
    """Leave out the scoring after each epoch."""

    def before_validate(self) -> None:
        raise CancelValidException


def main() -> None:
    args = options(__doc__)
    set_seed(args.seed)
    loaders = ImageDataLoaders.from_folder(
        photo_folder(), train="train", valid="test", item_tfms=Resize(SIZE), batch_tfms=aug_transforms(), seed=args.seed
    )
    learner = vision_learner(
        loaders,
        "mobilenetv2_100",
        train_bn=False,
        cbs=[BnFreeze(), NoValidation()],
        pad_type="same",
        pretrained_cfg_overlay={"file": str(weights_path()), "mean": (0.5,) * 3, "std": (0.5,) * 3},
    )
    with learner.no_bar(), learner.no_logging():
        learner.fit_one_cycle(args.epochs)
        learner.remove_cb(NoValidation)
        probabilities, _ = learner.get_preds()
    answer(loaders.valid_ds.items, probabilities.argmax(1).numpy(), list(loaders.vocab), args.out)


if __name__ == "__main__":
    main()
