"""Worker of test_specs: kind of spec, seed, number of cases (0: all)."""

import sys

from tests.fuzz.kit import generator, report
from tests.fuzz.spec_kinds import SPECS, cases


def main(kind, seed, count):
    bases, use = SPECS[kind]
    for base in bases.values():
        use(base)  # kernels are compiled before anything is timed
    found = list(cases(kind))
    if count:
        found = [found[place] for place in generator(seed).choice(len(found), size=count, replace=False)]
    report(found)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
