"""Layer tables of published networks, built from their published definitions."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from pimsim.base.errors import MissingError, nearest
from pimsim.workload.layers import Conv2d, Dense, Layer, MatMul, Workload, touched_pads


def load_workload(name: str) -> Workload:
    """The layer shapes of a published network at batch 1.

    Parameters
    ----------
    name : str
        One of :func:`list_workloads`.

    Raises
    ------
    MissingError
        If there is no such table; the nearest names are given.

    Examples
    --------
    >>> load_workload("vgg16").macs
    15470264320
    """
    key = name.lower().replace("-", "_")
    if key not in _TABLES:
        raise MissingError(f"no workload {name!r}{nearest(key, _TABLES) or '.'} Known: {', '.join(sorted(_TABLES))}")
    return _TABLES[key]()


def list_workloads() -> list[str]:
    """Names that :func:`load_workload` knows."""
    return sorted(_TABLES)


def alexnet() -> Workload:
    """AlexNet as published: conv2, conv4 and conv5 in two groups (Krizhevsky et al., NeurIPS 2012)."""
    layers = [
        Conv2d(name="conv1", m=96, c=3, p=55, q=55, r=11, s=11, stride=4),
        Conv2d(name="conv2", m=256, c=96, p=27, q=27, r=5, s=5, padding=2, groups=2),
        Conv2d(name="conv3", m=384, c=256, p=13, q=13, r=3, s=3, padding=1),
        Conv2d(name="conv4", m=384, c=384, p=13, q=13, r=3, s=3, padding=1, groups=2),
        Conv2d(name="conv5", m=256, c=384, p=13, q=13, r=3, s=3, padding=1, groups=2),
        Dense(name="fc6", m=4096, c=9216),
        Dense(name="fc7", m=4096, c=4096),
        Dense(name="fc8", m=1000, c=4096),
    ]
    return Workload(name="alexnet", layers=tuple(layers), source="Krizhevsky et al., NeurIPS 2012")


def vgg16() -> Workload:
    """VGG-16, configuration D (Simonyan and Zisserman, ICLR 2015)."""
    layers: list[Layer] = []
    channels, size = 3, 224
    for block, (width, depth) in enumerate([(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)], start=1):
        for place in range(1, depth + 1):
            layers.append(_conv(f"conv{block}_{place}", width, channels, size, 3))
            channels = width
        size //= 2
    layers += [Dense(name="fc6", m=4096, c=25088), Dense(name="fc7", m=4096, c=4096), Dense(name="fc8", m=1000, c=4096)]
    return Workload(name="vgg16", layers=tuple(layers), source="Simonyan and Zisserman, ICLR 2015, configuration D")


def resnet18() -> Workload:
    """ResNet-18 with projection shortcuts (He et al., CVPR 2016)."""
    layers = [Conv2d(name="conv1", m=64, c=3, p=112, q=112, r=7, s=7, stride=2, padding=(3, 3, 2, 2))]
    channels, size = 64, 56
    for stage, width in enumerate([64, 128, 256, 512], start=2):
        for block in (1, 2):
            stride = 2 if block == 1 and stage > 2 else 1
            size //= stride
            label = f"conv{stage}_{block}"
            layers.append(_conv(f"{label}a", width, channels, size, 3, stride))
            layers.append(_conv(f"{label}b", width, width, size, 3))
            if channels != width:
                layers.append(_conv(f"{label}s", width, channels, size, 1, stride))
            channels = width
    layers_all = (*layers, Dense(name="fc", m=1000, c=512))
    return Workload(name="resnet18", layers=layers_all, source="He et al., CVPR 2016, Table 1")


def resnet50() -> Workload:
    """ResNet-50 as published: the stride of a stage is in its first 1 x 1 convolution (He et al., CVPR 2016)."""
    layers = [Conv2d(name="conv1", m=64, c=3, p=112, q=112, r=7, s=7, stride=2, padding=(3, 3, 2, 2))]
    channels, size = 64, 56
    for stage, (width, depth) in enumerate([(64, 3), (128, 4), (256, 6), (512, 3)], start=2):
        for block in range(1, depth + 1):
            stride = 2 if block == 1 and stage > 2 else 1
            size //= stride
            label = f"conv{stage}_{block}"
            layers.append(_conv(f"{label}a", width, channels, size, 1, stride))
            layers.append(_conv(f"{label}b", width, width, size, 3))
            layers.append(_conv(f"{label}c", 4 * width, width, size, 1))
            if block == 1:
                layers.append(_conv(f"{label}s", 4 * width, channels, size, 1, stride))
            channels = 4 * width
    layers_all = (*layers, Dense(name="fc", m=1000, c=2048))
    return Workload(name="resnet50", layers=layers_all, source="He et al., CVPR 2016, Table 1")


def mobilenet_v2() -> Workload:
    """MobileNetV2, width 1.0, 224 x 224 (Sandler et al., CVPR 2018, Table 2)."""
    layers = [_conv("conv1", 32, 3, 112, 3, 2)]
    channels, size, block = 32, 112, 0
    stages = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]
    for expansion, width, repeats, first_stride in stages:
        for repeat in range(repeats):
            block += 1
            stride = first_stride if repeat == 0 else 1
            hidden = channels * expansion
            if expansion > 1:
                layers.append(_conv(f"block{block}_expand", hidden, channels, size, 1))
            size //= stride
            layers.append(_conv(f"block{block}_depthwise", hidden, hidden, size, 3, stride, groups=hidden))
            layers.append(_conv(f"block{block}_project", width, hidden, size, 1))
            channels = width
    layers.append(_conv("conv_last", 1280, channels, size, 1))
    layers_all = (*layers, Dense(name="fc", m=1000, c=1280))
    return Workload(name="mobilenet_v2", layers=layers_all, source="Sandler et al., CVPR 2018, Table 2")


def vit_b() -> Workload:
    """ViT-B/16 at 224 x 224: 196 patches and a class token (Dosovitskiy et al., ICLR 2021)."""
    layers: list[Layer] = [Conv2d(name="patch", m=768, c=3, p=14, q=14, r=16, s=16, stride=16)]
    layers += _transformer(blocks=12, width=768, hidden=3072, heads=12, tokens=197)
    layers.append(Dense(name="head", m=1000, c=768))
    return Workload(name="vit_b", layers=tuple(layers), source="Dosovitskiy et al., ICLR 2021, Table 1")


def bert_base() -> Workload:
    """The encoder of BERT-base on 128 tokens, with its pooler (Devlin et al., NAACL 2019)."""
    layers = list(_transformer(blocks=12, width=768, hidden=3072, heads=12, tokens=128))
    layers.append(Dense(name="pooler", m=768, c=768))
    return Workload(name="bert_base", layers=tuple(layers), source="Devlin et al., NAACL 2019; 128 tokens")


def _conv(name: str, m: int, c: int, size: int, filter_size: int, stride: int = 1, groups: int = 1) -> Conv2d:
    """A square convolution of an input `stride` times as large as its output, padded as one that keeps the size."""
    before, outputs, inputs = (filter_size - 1) // 2, (size, size), (stride * size, stride * size)
    padding = touched_pads(outputs, (filter_size,) * 2, inputs, (before,) * 2, (stride,) * 2)
    return Conv2d(
        name=name, m=m, c=c, p=size, q=size, r=filter_size, s=filter_size, stride=stride, padding=padding, groups=groups
    )


def _transformer(blocks: int, width: int, hidden: int, heads: int, tokens: int) -> Iterator[Layer]:
    head_width = width // heads
    for block in range(1, blocks + 1):
        for part in "qkv":
            yield Dense(name=f"block{block}_{part}", m=width, c=width, n=tokens)
        yield MatMul(name=f"block{block}_scores", m=tokens, c=head_width, n=tokens, groups=heads)
        yield MatMul(name=f"block{block}_attend", m=head_width, c=tokens, n=tokens, groups=heads)
        yield Dense(name=f"block{block}_out", m=width, c=width, n=tokens)
        yield Dense(name=f"block{block}_up", m=hidden, c=width, n=tokens)
        yield Dense(name=f"block{block}_down", m=width, c=hidden, n=tokens)


_TABLES: dict[str, Callable[[], Workload]] = {
    "alexnet": alexnet,
    "vgg16": vgg16,
    "resnet18": resnet18,
    "resnet50": resnet50,
    "mobilenet_v2": mobilenet_v2,
    "vit_b": vit_b,
    "bert_base": bert_base,
}
