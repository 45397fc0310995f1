"""The pieces that several networks share unchanged: named sequences, the usual convolution, first weights."""

from collections import OrderedDict

from torch import nn


def sequential(**layers: nn.Module) -> nn.Sequential:
    """Layers that run in the order given, each under its name."""
    return nn.Sequential(OrderedDict(layers))


def conv_bn_relu(
    in_channels: int, channels: int, kernel: int = 3, *, stride: int = 1, padding: int = 0, bias: bool = True
) -> nn.Sequential:
    """Convolution, batch norm, ReLU: (B, in_channels, H, W) -> (B, channels, h, w).

    bias: batch norm takes any constant away again, so a bias before it only costs memory. Textbook networks keep it
    (Keras does so by default) and their parameter counts include it.
    """
    return sequential(
        conv=nn.Conv2d(in_channels, channels, kernel, stride, padding, bias=bias),
        bn=nn.BatchNorm2d(channels),
        relu=nn.ReLU(inplace=True),
    )


def global_pool_head(channels: int, num_classes: int) -> nn.Sequential:
    """The mean of each feature map, then one linear layer: (B, channels, h, w) -> (B, num_classes), for any h, w."""
    return sequential(
        pool=nn.AdaptiveAvgPool2d(1),
        flatten=nn.Flatten(),
        output=nn.Linear(channels, num_classes),
    )


def hidden_output(in_features: int, hidden: int, num_classes: int) -> nn.Sequential:
    """The head that textbooks put on a pretrained network: (B, in_features) -> (B, hidden) -> (B, num_classes)."""
    return sequential(
        hidden=nn.Linear(in_features, hidden),
        relu=nn.ReLU(inplace=True),
        dropout=nn.Dropout(0.5),
        output=nn.Linear(hidden, num_classes),
    )


def glorot_uniform(layer: nn.Module) -> None:
    """Uniform weights with variance 2 / (fan_in + fan_out), biases zero: Keras's default.

    Glorot and Bengio 2010, "Understanding the difficulty of training deep feedforward neural networks".
    """
    if isinstance(layer, nn.Conv2d | nn.Linear):
        nn.init.xavier_uniform_(layer.weight)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)


def he_normal(layer: nn.Module) -> None:
    """Normal weights with variance 2 / fan_out in convolutions and 1 / fan_in in linear layers, biases zero.

    He et al. 2015, "Delving Deep into Rectifiers" (arXiv 1502.01852): keeps the size of the gradients through ReLUs.
    """
    if isinstance(layer, nn.Conv2d):
        nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    elif isinstance(layer, nn.Linear):
        nn.init.kaiming_normal_(layer.weight, mode="fan_in", nonlinearity="linear")
    else:
        return
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
