"""What Keras's MobileNetV2 with the transplanted weights makes of some photos, for comparison with timm's.

Reads float32 (N, 224, 224, 3) in [-1, 1] from one .npy file and writes its pooled features, (N, 1280), to another.
"""

import sys

import keras
import numpy as np
from keras_photos import mobilenet_v2
from photo_data import weights_path
from safetensors.numpy import load_file


def main() -> None:
    photos, features = sys.argv[1:]
    maps = mobilenet_v2(load_file(weights_path())).predict(np.load(photos), verbose=0)  # (N, 7, 7, 1280)
    np.save(features, keras.ops.mean(maps, axis=(1, 2)))


if __name__ == "__main__":
    main()
