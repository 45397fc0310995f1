"""What a network gets to see, from images whose pixels can be reckoned."""

import io
import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from sightline.errors import ConfigError, ImageError, InputError
from sightline.pixels.preprocess import IMAGENET_MEAN, IMAGENET_STD, Preprocess


def make(size: tuple[int, int] = (4, 4), **options: object) -> Preprocess:
    return Preprocess(**{"size": size, "mean": (0.5, 0.5, 0.5), "std": (0.25, 0.25, 0.25), **options})


def thirds(height: int, width: int) -> np.ndarray:
    """Three vertical bands of values 0, 100 and 200 in every channel: (height, width, 3)."""
    band = np.repeat(np.array([0, 100, 200], dtype=np.uint8), width // 3)
    return np.broadcast_to(band[None, :, None], (height, width, 3)).copy()


class TestPixels:
    @pytest.mark.parametrize("fit", ["crop", "pad", "squash"])
    @pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic", "lanczos"])
    def test_right_size_passes_byte_for_byte(self, fit, interpolation):
        image = np.random.default_rng(0).integers(0, 256, (28, 20, 3), dtype=np.uint8)
        pixels = make((28, 20), fit=fit, interpolation=interpolation).pixels(image)
        assert (pixels == image.transpose(2, 0, 1)).all()
        assert pixels.dtype == np.uint8
        assert pixels.flags.c_contiguous

    def test_crop_keeps_the_centre(self):
        assert (make((8, 8)).pixels(thirds(8, 24))[:, :, 1:-1] == 100).all()  # the outer columns see their neighbours
        assert (make((8, 8), interpolation="nearest").pixels(thirds(8, 24)) == 100).all()
        upright = thirds(8, 24).transpose(1, 0, 2)
        assert (make((8, 8), interpolation="nearest").pixels(upright) == 100).all()

    def test_crop_loses_nothing_of_the_short_side(self):
        image = np.zeros((6, 9, 3), dtype=np.uint8)
        image[0], image[-1] = 50, 250
        pixels = make((6, 6)).pixels(image)
        assert (pixels[:, 0] == 50).all()
        assert (pixels[:, -1] == 250).all()

    def test_squash_keeps_everything(self):
        pixels = make((3, 3), fit="squash", interpolation="nearest").pixels(thirds(9, 9 * 3))
        assert pixels[0].tolist() == [[0, 100, 200]] * 3

    def test_pad_centres_on_the_mean_colour(self):
        image = np.full((2, 4, 3), 10, dtype=np.uint8)
        pixels = make((4, 4), fit="pad", mean=(0.0, 0.5, 1.0)).pixels(image)
        for channel, border in enumerate((0, 128, 255)):
            assert pixels[channel].tolist() == [[border] * 4, [10] * 4, [10] * 4, [border] * 4]

    def test_padding_normalises_to_about_zero(self):
        preprocess = make((8, 8), fit="pad", mean=IMAGENET_MEAN, std=IMAGENET_STD)
        pixels = preprocess.pixels(np.zeros((2, 8, 3), dtype=np.uint8))
        border = preprocess.normalise(torch.from_numpy(pixels)[None])[0, :, 0]
        assert border.abs().max() < 0.5 / 255 / min(IMAGENET_STD) + 1e-6

    def test_a_sliver_still_has_a_pixel(self):
        assert make((4, 4), fit="pad").pixels(np.zeros((1, 1000, 3), dtype=np.uint8)).shape == (3, 4, 4)
        assert make((4, 4)).pixels(np.zeros((1, 1000, 3), dtype=np.uint8)).shape == (3, 4, 4)

    @pytest.mark.parametrize("interpolation", ["bilinear", "bicubic", "lanczos"])
    def test_shrinking_does_not_alias(self, interpolation):
        stripes = np.zeros((64, 64, 3), dtype=np.uint8)
        stripes[:, ::2] = 200  # one on, one off: every shrunk pixel must be their mean
        pixels = make((8, 8), interpolation=interpolation).pixels(stripes)[:, :, 1:-1]
        assert np.abs(pixels.astype(int) - 100).max() <= 4

    @pytest.mark.parametrize("shape", [(7, 5), (5, 7), (100, 33), (33, 100), (3, 3), (224, 225), (1001, 667)])
    @pytest.mark.parametrize("size", [(4, 4), (5, 9), (224, 224)])
    @pytest.mark.parametrize("fit", ["crop", "pad", "squash"])
    def test_any_shape_to_any_size(self, shape, size, fit):
        pixels = make(size, fit=fit).pixels(np.full((*shape, 3), 128, dtype=np.uint8))
        assert pixels.shape == (3, *size)
        assert (pixels == 128).all()  # the mean colour is 128 too

    def test_grey_from_rgb_and_rgb_from_grey(self):
        red = np.zeros((4, 4, 3), dtype=np.uint8)
        red[..., 0] = 255
        grey = Preprocess(size=(4, 4), channels=1, mean=(0.5,), std=(0.5,)).pixels(red)
        assert grey.shape == (1, 4, 4)
        assert (grey == 76).all()
        rgb = make((2, 2)).pixels(np.full((4, 4, 1), 9, dtype=np.uint8))
        assert rgb.shape == (3, 2, 2)
        assert (rgb == 9).all()

    def test_grey_stays_grey(self):
        image = np.arange(16, dtype=np.uint8).reshape(4, 4, 1)
        preprocess = Preprocess(size=(4, 4), channels=1, mean=(0.5,), std=(0.5,))
        assert preprocess.pixels(image)[0].tolist() == image[:, :, 0].tolist()

    def test_another_way_to_fit_is_refused(self):
        with pytest.raises(ConfigError, match="fit is 'cover': choose from crop, pad, squash"):
            make(fit="cover")

    def test_wrong_images_are_refused(self):
        shapes = ((4, 4), (4, 4, 4), (0, 8, 3), (8, 0, 1), (4, 4, 0))
        for wrong in (np.zeros((4, 4, 3), np.float32), *(np.zeros(shape, np.uint8) for shape in shapes)):
            with pytest.raises(InputError, match=r"use uint8 \(H, W, 3\) or \(H, W, 1\)"):
                make().pixels(wrong)


class TestRead:
    def test_equals_decoding_and_fitting(self):
        image = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
        stream = io.BytesIO()
        Image.fromarray(image).save(stream, "PNG")
        assert (make((8, 8)).read(stream.getvalue()) == make((8, 8)).pixels(image)).all()

    def test_a_big_jpeg_decoded_small_looks_the_same(self):
        smooth = Image.fromarray(np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8))
        smooth = smooth.resize((1600, 1200), Image.Resampling.BICUBIC)
        stream = io.BytesIO()
        smooth.save(stream, "JPEG", quality=95)
        small = make((64, 64)).read(stream.getvalue())
        assert np.abs(small.astype(int) - make((64, 64)).pixels(np.asarray(smooth))).mean() < 1.5

    def test_errors_are_those_of_decoding(self):
        with pytest.raises(ImageError, match="the file is empty"):
            make().read(b"")


class TestNormalise:
    def test_by_hand(self):
        preprocess = make((1, 2), mean=(0.0, 0.5, 1.0), std=(1.0, 0.5, 0.25))
        batch = torch.tensor([0, 255], dtype=torch.uint8).expand(1, 3, 1, 2)
        expected = torch.tensor([[0.0, 1.0], [-1.0, 1.0], [-4.0, 0.0]])
        torch.testing.assert_close(preprocess.normalise(batch)[0, :, 0], expected, atol=1e-6, rtol=0)

    @pytest.mark.parametrize(
        "shape", [(0, 3, 4, 4), (1, 3, 1, 1), (1, 1, 5, 7), (3, 1, 1, 1), (5, 3, 7, 4), (2, 3, 1, 6)]
    )
    @pytest.mark.parametrize("channels_last", [False, True])
    def test_equals_the_formula_for_every_shape_and_layout(self, shape, channels_last):
        mean, std = IMAGENET_MEAN[: shape[1]], IMAGENET_STD[: shape[1]]
        batch = torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
        if channels_last:
            batch = batch.contiguous(memory_format=torch.channels_last)
        before = batch.clone()
        expected = (batch / 255 - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]
        out = Preprocess(size=shape[2:], channels=shape[1], mean=mean, std=std).normalise(batch)
        assert out.dtype == torch.float32
        assert out.is_contiguous(memory_format=torch.channels_last)
        torch.testing.assert_close(out, expected, atol=2e-6, rtol=0, check_stride=False)
        assert torch.equal(batch, before)

    def test_a_slice_of_a_larger_tensor(self):
        images = torch.randint(0, 256, (6, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
        part = images[1:5, :, 2:6, 1:7]
        assert torch.equal(make().normalise(part), make().normalise(part.contiguous()))

    def test_constants_first_made_in_inference_mode_serve_training_too(self):
        preprocess = make((2, 3), mean=(0.1, 0.2, 0.3))  # not used elsewhere, so that nothing is kept from before
        batch = torch.full((1, 3, 2, 3), 255, dtype=torch.uint8)
        with torch.inference_mode():
            inferred = preprocess.normalise(batch)
        weight = torch.ones(1, 3, 1, 1, requires_grad=True)
        torch.nn.functional.conv2d(preprocess.normalise(batch), weight).sum().backward()
        assert weight.grad is not None
        torch.testing.assert_close(weight.grad.flatten(), inferred.sum((0, 2, 3)))

    def test_refuses_what_is_not_an_image_batch(self):
        with pytest.raises(InputError) as caught:
            make().normalise(torch.zeros(2, 3, 4, 4))
        expected = "the batch is torch.float32 of shape (2, 3, 4, 4): give torch.uint8 (B, 3, H, W)"
        assert str(caught.value) == expected
        with pytest.raises(InputError, match=r"\(2, 1, 4, 4\)"):
            make().normalise(torch.zeros(2, 1, 4, 4, dtype=torch.uint8))


class TestSettings:
    def test_json_there_and_back(self):
        preprocess = make((24, 32), fit="pad", interpolation="bicubic", mean=IMAGENET_MEAN, std=IMAGENET_STD)
        text = json.dumps(preprocess.to_json())
        assert json.loads(text) == {
            "size": [24, 32],
            "channels": 3,
            "fit": "pad",
            "interpolation": "bicubic",
            "mean": [0.485, 0.456, 0.406],
            "std": [0.229, 0.224, 0.225],
        }
        assert Preprocess.from_json(json.loads(text)) == preprocess

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (
                {"interpolatoin": "bilinear"},
                r"unknown key 'interpolatoin' \(preprocess\): did you mean interpolation\?",
            ),
            ({"fit": "stretch"}, r"'stretch' is not possible \(preprocess\.fit\): choose from crop, pad, squash"),
            ({"size": [32]}, r"expected 2 values, found 1 \(preprocess\.size\)"),
            ({"size": "32"}, r"expected a list, found '32' \(preprocess\.size\)"),
            ({"size": [0, 32]}, r"size is \(0, 32\): use a height and a width of 1 pixel or more"),
            ({"channels": 4}, r"channels is 4: use 1 \(grey\) or 3 \(RGB\)"),
            ({"mean": [0.5]}, r"mean has 1 values for 3 channels: give one value for each channel"),
            ({"mean": [0.5, float("nan"), 0.5]}, r"mean is \(0\.5, nan, 0\.5\): use finite numbers"),
            ({"std": [0.5, 0.5, 0.0]}, r"std is \(0\.5, 0\.5, 0\.0\): use values above 0"),
        ],
    )
    def test_impossible_settings_are_said(self, change, message):
        with pytest.raises(ConfigError, match=f"^{message}"):
            Preprocess.from_json({**make().to_json(), **change})

    def test_missing_settings_are_said(self):
        with pytest.raises(ConfigError, match=r"incomplete settings.*'mean' and 'std'"):
            Preprocess.from_json({"size": [4, 4]})

    def test_describes_itself(self):
        assert make((32, 48), mean=IMAGENET_MEAN, std=IMAGENET_STD).describe() == (
            "RGB images cropped to the centre and resized to 48 x 32 pixels (bilinear), scaled to [0, 1], "
            "minus mean 0.485, 0.456, 0.406, over std 0.229, 0.224, 0.225."
        )
        grey = Preprocess(size=(28, 28), channels=1, fit="pad", mean=(0.1306604,), std=(0.3081078,))
        assert grey.describe() == (
            "Grey images resized and padded with the mean colour to 28 x 28 pixels (bilinear), scaled to [0, 1], "
            "minus mean 0.1307, over std 0.3081."
        )


def test_importing_does_not_import_torch():
    script = "import sys, sightline.pixels.preprocess; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], timeout=60).returncode == 0
