import numpy as np
import pytest
import torch

from sightline import plots
from sightline.data.sources.builtin import load_digits
from sightline.errors import ConfigError, DataError


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def places(figure) -> list[list[float]]:  # type: ignore[no-untyped-def]
    """left, top, width, height of each image, in points."""
    extents = [image.get_extent() for image in figure.axes[0].images]
    return [[left, top, right - left, bottom - top] for left, right, bottom, top in extents]


def test_images_keep_their_pixels_and_captions(texts) -> None:  # type: ignore[no-untyped-def]
    images = [noise(8, 8), noise(8, 8, 1), noise(8, 8, 3)]
    figure = plots.contact_sheet(images, ["one\nsecond line", "two", "three"], columns=2, title="Three images")
    drawn = [image.get_array() for image in figure.axes[0].images]
    assert (drawn[0][:, :, 1] == images[0]).all()
    assert (drawn[1][:, :, 2] == images[1][:, :, 0]).all()
    assert (drawn[2] == images[2]).all()
    assert {"one", "second line", "two", "three", "Three images"} <= set(texts(figure))
    first, second, third = places(figure)
    assert second[0] - first[0] - first[2] == pytest.approx(6)  # 8 CSS pixels
    assert (third[0], third[1] > first[1] + first[3]) == (first[0], True)


def test_small_images_have_whole_pixels() -> None:
    [image] = plots.contact_sheet([noise(28, 28)]).axes[0].images
    assert image.get_interpolation() == "nearest"
    [[_, _, width, height]] = places(image.figure)
    assert width == height
    assert (2 * width) % 28 == 0  # two dots a point


def test_aspect_ratios_and_sizes_stay() -> None:
    (_, _, wide, low), (_, _, narrow, high) = places(plots.contact_sheet([noise(30, 40, 3), noise(60, 20, 3)]))
    assert wide / low == pytest.approx(4 / 3)
    assert high / narrow == pytest.approx(3)
    assert low / high == pytest.approx(30 / 60)


def test_long_captions_are_shortened_to_their_image() -> None:
    figure = plots.contact_sheet([noise(8, 8), noise(8, 8)], ["a caption that is much longer than its image", "b"])
    figure.draw_without_rendering()
    first, second = (text.get_window_extent() for text in figure.axes[0].texts if text.get_text())
    assert not first.overlaps(second)


def test_mistakes_are_the_most_confident(answers, texts) -> None:  # type: ignore[no-untyped-def]
    images = load_digits().take(range(6))
    evaluation = answers(images.labels.tolist(), [0, 1, 3, 3, 4, 0], images.classes)
    object.__setattr__(evaluation, "ids", images.ids)
    figure = plots.mistakes(evaluation, images)
    words = texts(figure)
    assert "2 of 6 images are mistaken" in words
    assert [w for w in words if w.startswith("called")] == ["called 3", "called 0"]
    drawn = [image.get_array()[:, :, :1] for image in figure.axes[0].images]
    assert all((image == images.images.read(i)).all() for image, i in zip(drawn, (2, 5), strict=True))
    [one] = [w for w in texts(plots.mistakes(evaluation, images, limit=1)) if "mistaken" in w]
    assert one.replace("\n", " ") == "2 of 6 images are mistaken; here the most confident"
    with pytest.raises(DataError, match="these are not the images that were evaluated"):
        plots.mistakes(evaluation, images.take([1, 0]))
    with pytest.raises(ConfigError, match="limit is 0: use 1 or more"):
        plots.mistakes(evaluation, images, limit=0)


def test_no_mistake_is_said(answers) -> None:  # type: ignore[no-untyped-def]
    images = load_digits().take([0])
    evaluation = answers([0], [0], images.classes)
    object.__setattr__(evaluation, "ids", images.ids)
    with pytest.raises(DataError, match="every image is recognised, so there is no mistake to show"):
        plots.mistakes(evaluation, images)


def test_augmentations_begin_with_the_originals() -> None:
    images = load_digits().images.pixels[:3]
    [sheet] = plots.augmentations(images).axes[0].images
    assert sheet.get_array().shape[2] == 3
    with pytest.raises(DataError, match=r"give a uint8 tensor \(N, C, H, W\)"):
        plots.augmentations(torch.zeros(3, 8, 8))


@pytest.mark.parametrize(
    ("images", "captions", "sentence"),
    [
        ([], [], "there is no image to draw: give at least one"),
        ([np.zeros((4, 4), np.uint8)], ["a", "b"], "1 images and 2 captions: give one caption for each image"),
        (
            [np.zeros((3, 4, 4), np.float32)],
            [],
            "an image of shape (3, 4, 4) and type float32 cannot be drawn: "
            "give uint8 (H, W), (H, W, 1) or (H, W, 3), as read_image does",
        ),
    ],
)
def test_what_is_no_sheet_is_refused(images, captions, sentence) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(DataError) as caught:
        plots.contact_sheet(images, captions)
    assert str(caught.value) == sentence


def test_a_sheet_has_columns() -> None:
    with pytest.raises(ConfigError, match="columns is 0: use 1 or more"):
        plots.contact_sheet([noise(4, 4)], columns=0)
