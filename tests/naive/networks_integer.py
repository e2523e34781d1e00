"""Integer layers as plain loops over every index."""

import numpy as np


def quantize(values, scale, zero=0, low=0, high=255):
    """Real numbers to low..high: divide in float32, round half to even, saturate."""
    out = np.zeros(values.shape, dtype=np.int64)
    for index in np.ndindex(*values.shape):
        rounded = round(float(np.float32(values[index]) / np.float32(scale))) + zero
        out[index] = min(max(rounded, low), high)
    return out


def conv(x, w, zero=0, stride=(1, 1), dilation=(1, 1), pads=(0, 0, 0, 0), groups=1):
    """Sums of (x - zero) * w in Python integers; x (n, c, h, w), w (m, c / groups, r, s); edges hold `zero`."""
    n, _, height, width = x.shape
    m, depth, r, s = w.shape
    p = (height + pads[0] + pads[2] - dilation[0] * (r - 1) - 1) // stride[0] + 1
    q = (width + pads[1] + pads[3] - dilation[1] * (s - 1) - 1) // stride[1] + 1
    out = np.zeros((n, m, p, q), dtype=np.int64)
    for image, k, i, j in np.ndindex(n, m, p, q):
        first = k // (m // groups) * depth
        total = 0
        for c, a, b in np.ndindex(depth, r, s):
            y = i * stride[0] + a * dilation[0] - pads[0]
            z = j * stride[1] + b * dilation[1] - pads[1]
            if 0 <= y < height and 0 <= z < width:
                total += (int(x[image, first + c, y, z]) - zero) * int(w[k, c, a, b])
        out[image, k, i, j] = total
    return out


def rescale(sums, bias, multiplier):
    """(sum + bias) as float32 times one float32 multiplier a channel; channels on axis 1."""
    out = np.zeros(sums.shape, dtype=np.float32)
    for index in np.ndindex(*sums.shape):
        out[index] = np.float32(int(sums[index]) + int(bias[index[1]])) * np.float32(multiplier[index[1]])
    return out


def maxpool2(x):
    """Largest of each 2 x 2 block, a last odd row or column left out."""
    n, c, height, width = x.shape
    out = np.zeros((n, c, height // 2, width // 2), dtype=x.dtype)
    for image, k, i, j in np.ndindex(*out.shape):
        out[image, k, i, j] = max(x[image, k, 2 * i + a, 2 * j + b] for a in (0, 1) for b in (0, 1))
    return out
