"""Look into a network that you have trained: from its kernels to the arithmetic of one pixel.

python examples/03_look_inside.py                                # trains on digits first
python examples/03_look_inside.py runs/photos-resnet18-1 cat.jpg # a run of yours, and an image
"""

import sys
from pathlib import Path

from PIL import Image

import sightline as sl

run_folder, image = (*sys.argv[1:], None, None)[:2]
if run_folder is None:
    run_folder = sl.train("digits", model="convnet", epochs=6, out="look-inside").path
    digit = sl.load_data("digits").test.images.read(0)
    Image.fromarray(digit[:, :, 0]).save("digit.png")
    image = "digit.png"
if image is None:
    sys.exit("give an image as well: python examples/03_look_inside.py RUN IMAGE")
run = sl.Run(run_folder)
classifier = run.classifier

# How good is it, and how sure may it be? Every number has its interval; `unknown` is what it has not learnt.
prediction = classifier.predict(image)
print(f"{image}: {'unknown, nearest ' if prediction.unknown else ''}{prediction.label}, {prediction.probability:.1%}")
print(f"probabilities are divided by a temperature of {classifier.temperature:.2f}")

# What does each layer see? Names come from the network itself; stages also go by number.
layers = sl.inspection.list_layers(classifier)
first = next(layer.name for layer in layers if layer.role == "convolution")
maps = sl.feature_maps(classifier, image, first)
seen = sl.inspection.activations(classifier, image, first)
print(f"{first}: {len(maps)} feature maps of {maps.shape[1]} x {maps.shape[2]}, {int(seen.dead.sum())} dead here")
sl.plots.kernels(sl.kernels(classifier, first)).savefig("kernels.png")
sl.plots.feature_maps(maps, dead=seen.dead).savefig("maps.png")

# Where does it look? Grad-CAM of the predicted class, over the image as the network sees it.
cam = sl.grad_cam(classifier, image)
sl.plots.grad_cam(sl.inspection.shown(classifier, image), cam).savefig("grad-cam.png")

# One value of one map: the patch, the kernel, their products and the sum are the network's own.
_, height, width = maps.shape
value = sl.arithmetic(classifier, image, first, channel=0, row=height // 2, column=width // 2)
print(f"value {height // 2}, {width // 2} of map 0: {value.value:.4f}, and the network says {value.output:.4f}")
sl.plots.arithmetic(value).savefig("arithmetic.png")

# Which training images does the network find most alike?
for neighbour in sl.nearest(run, image, k=3):
    print(f"  alike: {neighbour.id}, {neighbour.label}, similarity {neighbour.similarity:.2f}")

print("drawn: " + ", ".join(str(path) for path in sorted(Path().glob("*.png"))))
