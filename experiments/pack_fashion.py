"""Make the shipped part of Fashion-MNIST from its published IDX files.

python experiments/pack_fashion.py --data /usr/share/datasets/fashion-mnist --out pimsim/networks/data
"""

import argparse
from pathlib import Path

import numpy as np

from pimsim.networks.idx import read_split

PARTS = (("test", "t10k", 2000), ("calibration", "train", 512))  # split, prefix of the files, first images


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the four IDX files")
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    arguments = parser.parse_args()
    for split, prefix, count in PARTS:
        images, labels = read_split(arguments.data, prefix)
        path = arguments.out / f"fashion-mnist-{split}.npz"
        np.savez_compressed(path, images=images[:count, None], labels=labels[:count])


if __name__ == "__main__":
    main()
