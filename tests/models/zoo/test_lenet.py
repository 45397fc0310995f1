import torch

from sightline.models.zoo.lenet import LeNet5


def test_parameters_of_each_layer_by_hand() -> None:
    network = LeNet5(num_classes=10, in_channels=1, size=32)
    counts = [sum(p.numel() for p in layer.parameters()) for layer in (*network.stages, *network.head)]
    convolutions = [6 * 25 + 6, 0, 16 * 6 * 25 + 16, 0]
    linear = [0, 400 * 120 + 120, 0, 120 * 84 + 84, 0, 84 * 10 + 10]
    assert counts == convolutions + linear
    assert sum(counts) == 61_706


def test_28_pixels_are_as_if_padded_to_32() -> None:
    torch.manual_seed(0)
    padded, plain = LeNet5(10, 1, 28), LeNet5(10, 1, 32)
    plain.load_state_dict(padded.state_dict())
    digit = torch.randn(2, 1, 28, 28)
    surrounded = torch.zeros(2, 1, 32, 32)
    surrounded[:, :, 2:30, 2:30] = digit
    torch.testing.assert_close(padded(digit), plain(surrounded))


def test_feature_maps_shrink_as_in_the_paper() -> None:
    x = torch.zeros(1, 1, 32, 32)
    shapes = []
    for stage in LeNet5(10, 1, 32).stages:
        x = stage(x)
        shapes.append(tuple(x.shape[1:]))
    assert shapes == [(6, 28, 28), (6, 14, 14), (16, 10, 10), (16, 5, 5)]
