"""A plain PyTorch loop on the clothing photos: `ImageFolder`, 2 workers, timm's MobileNetV2 frozen, a linear head.

As PyTorch's tutorial on transfer learning: `RandomResizedCrop` and mirroring for training, the central 224 of a short
side of 256 for testing, 10 epochs at 1e-3 with batches of 32.
"""

import timm
import torch
from photo_data import SIZE, answer, options, photo_folder, weights_path
from safetensors.torch import load_file
from torch import nn
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import ImageFolder

NORMALISE = [transforms.ToTensor(), transforms.Normalize((0.5,) * 3, (0.5,) * 3)]
WORKERS = 2


def main() -> None:
    args = options(__doc__)
    torch.manual_seed(args.seed)
    varied = transforms.Compose([transforms.RandomResizedCrop(SIZE), transforms.RandomHorizontalFlip(), *NORMALISE])
    central = transforms.Compose([transforms.Resize(256), transforms.CenterCrop(SIZE), *NORMALISE])
    train_set = ImageFolder(photo_folder("train"), varied)
    test_set = ImageFolder(photo_folder("test"), central)

    backbone = timm.create_model("mobilenetv2_100", pad_type="same", num_classes=0)
    backbone.load_state_dict(load_file(weights_path()), strict=False)  # all but its 1,000 classes
    backbone.requires_grad_(False).eval()
    head = nn.Linear(backbone.num_features, len(train_set.classes))
    model = nn.Sequential(backbone, head)
    optimizer = torch.optim.Adam(head.parameters(), lr=1e-3)
    loss_function = nn.CrossEntropyLoss()

    for _ in range(args.epochs):
        for images, labels in DataLoader(train_set, batch_size=32, shuffle=True, num_workers=WORKERS):
            optimizer.zero_grad()
            loss_function(model(images), labels).backward()
            optimizer.step()

    with torch.no_grad():
        batches = DataLoader(test_set, batch_size=64, num_workers=WORKERS)
        predicted = torch.cat([model(images).argmax(1) for images, _ in batches])
    answer([path for path, _ in test_set.samples], predicted.numpy(), train_set.classes, args.out)


if __name__ == "__main__":
    main()
