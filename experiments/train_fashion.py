"""Train the shipped network "fashion-vgg" on Fashion-MNIST and write it as ONNX.

Needs the torch extra (`pip install pimsim[torch]`) and the data set as IDX files
(Debian and Ubuntu: package dataset-fashion-mnist, in /usr/share/datasets/fashion-mnist).

    python experiments/train_fashion.py --data /usr/share/datasets/fashion-mnist --out fashion-vgg.onnx

A VGG-like network that is small on purpose: 52 thousand weights and 3.1 million
multiply-accumulates an image, because a simulated 8-bit array repeats each of them
once per input bit and weight slice. Batch normalization is left in the file;
`pimsim.load_network` folds it, as it does for any network. Training runs on one
thread from one seed: the same torch release on the same processor gives the same file.
The shipped file took about 14 minutes on one core with torch 2.13 and reaches 92.54 % on the
10,000 test images.
"""

import argparse
import time
from collections import OrderedDict
from pathlib import Path

import torch
from torch import Tensor, nn

from pimsim.networks.idx import read_split
from pimsim.networks.torch import write_onnx

SEED = 2017  # the year of the data set's paper, arXiv:1708.07747
CHANNELS = (16, 32, 48, 64)
POOL_AFTER = (1, 2, 4)  # 28 -> 14 -> 7 -> 3
BATCH = 128
PEAK_RATE = 0.1
WEIGHT_DECAY = 5e-4
SMOOTHING = 0.05
SHIFT = 2  # pixels, largest random translation


def build_network() -> nn.Sequential:
    """Four 3x3 convolutions with batch norm, three 2x2 pools, one dense layer; input (n, 1, 28, 28) in 0..1."""
    parts: dict[str, nn.Module] = {}
    inputs = 1
    for place, outputs in enumerate(CHANNELS, start=1):
        parts[f"conv{place}"] = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        parts[f"norm{place}"] = nn.BatchNorm2d(outputs)
        parts[f"relu{place}"] = nn.ReLU()
        if place in POOL_AFTER:
            parts[f"pool{place}"] = nn.MaxPool2d(2)
        inputs = outputs
    parts["flatten"] = nn.Flatten()
    parts["dense"] = nn.Linear(inputs * 3 * 3, 10)
    return nn.Sequential(OrderedDict(parts))


def load_tensors(folder: Path, prefix: str) -> tuple[Tensor, Tensor]:
    """Images (n, 1, 28, 28) float32 in 0..1 and labels (n,) int64."""
    images, labels = read_split(folder, prefix)
    return torch.tensor(images)[:, None].float() / 255, torch.tensor(labels).long()


def augment(images: Tensor, generator: torch.Generator) -> Tensor:
    """Each image mirrored with probability 1/2 and moved by up to SHIFT pixels either way."""
    n, _, height, width = images.shape
    padded = nn.functional.pad(images, (SHIFT,) * 4)[:, 0]
    dy, dx = torch.randint(0, 2 * SHIFT + 1, (2, n, 1, 1), generator=generator)
    columns = torch.arange(width).expand(n, 1, width)
    mirrored = torch.rand(n, 1, 1, generator=generator) < 0.5
    columns = torch.where(mirrored, width - 1 - columns, columns) + dx
    rows = torch.arange(height).reshape(1, height, 1) + dy
    return padded[torch.arange(n).reshape(n, 1, 1), rows, columns][:, None]


def train(model: nn.Module, images: Tensor, labels: Tensor, epochs: int) -> None:
    """Stochastic gradient descent with Nesterov momentum and one cosine cycle, in place."""
    generator = torch.Generator().manual_seed(SEED)
    steps = len(images) // BATCH
    optimizer = torch.optim.SGD(model.parameters(), PEAK_RATE, momentum=0.9, weight_decay=WEIGHT_DECAY, nesterov=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, PEAK_RATE, total_steps=epochs * steps, pct_start=0.15, cycle_momentum=False
    )
    loss_of = nn.CrossEntropyLoss(label_smoothing=SMOOTHING)
    model.train()
    for epoch in range(epochs):
        start, total = time.perf_counter(), 0.0
        order = torch.randperm(len(images), generator=generator)
        for chosen in order[: steps * BATCH].split(BATCH):
            loss = loss_of(model(augment(images[chosen], generator)), labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        print(f"epoch {epoch + 1}/{epochs}: loss {total / steps:.4f}, {time.perf_counter() - start:.0f} s", flush=True)


@torch.no_grad()
def accuracy(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    model.eval()
    hits = [(model(x).argmax(1) == y).sum().item() for x, y in zip(images.split(1000), labels.split(1000), strict=True)]
    return sum(hits) / len(images)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the four IDX files")
    parser.add_argument("--out", type=Path, required=True, help="the ONNX file to write")
    parser.add_argument("--epochs", type=int, default=18)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    model = build_network()
    train(model, *load_tensors(arguments.data, "train"), epochs=arguments.epochs)
    print(f"accuracy on the test images: {accuracy(model, *load_tensors(arguments.data, 't10k')):.4f}")
    write_onnx(model, torch.zeros(1, 1, 28, 28), arguments.out)


if __name__ == "__main__":
    main()
