"""Action counts of one layer on arrays, walked step by step; imports nothing of the package."""


def walk(k, c, positions, groups, rows, weights_per_row, active, planes, slices, conversions, cells_per_weight):
    """Count reads, drives, conversions, cell reads and sums over tiles; every group of the layer has its own arrays.

    Every position and plane reads, for each group of the layer, every array that holds a part of its matrix; rows
    that conduct together are one read.
    """
    count = dict.fromkeys(("array_reads", "row_drives", "conversions", "cell_reads", "partial_sums", "arrays"), 0)
    for _ in range(groups):
        for top in range(0, k, rows):
            bottom = min(top + rows, k)
            for left in range(0, c, weights_per_row):
                width = min(left + weights_per_row, c) - left
                count["arrays"] += 1
                for first in range(top, bottom, active):
                    height = min(first + active, bottom) - first
                    for _ in range(positions * planes):
                        count["array_reads"] += 1
                        count["row_drives"] += height
                        count["conversions"] += width * slices * conversions
                        count["cell_reads"] += height * width * cells_per_weight
        for _ in range(positions):
            for _ in range(c):
                count["partial_sums"] += -(-k // rows) - 1
    return count
