"""Simulates the dip of uniform samples and writes `dclust_gui/algorithms/dip_table.py`.

`python packaging/make_dip_table.py [--samples 20000]`, a minute or two on one thread; then
`ruff format`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from dclust_gui.algorithms.dip import dip_statistic

TARGET = Path(__file__).parents[1] / "dclust_gui" / "algorithms" / "dip_table.py"
SIZES = (4, 5, 6, 7, 8, 9, 10, 15, 20, 30, 50, 100, 200, 500, 1000, 2000)
PROBABILITIES = (
    *(0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8),
    *(0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995),
)
SEED = 1985

HEAD = '''"""Quantiles of sqrt(n) times the dip of n numbers drawn uniformly; made, not written.

Made by `packaging/make_dip_table.py` from {samples:,} samples of each size, seed {seed}.
"""

SIZES = {sizes}
"""Sizes of the samples, one row of `QUANTILES` each."""

PROBABILITIES = {probabilities}
"""Shares of the samples with a smaller dip, one column of `QUANTILES` each."""

QUANTILES = (
'''


def simulated(size: int, samples: int) -> list[float]:
    """Quantiles of sqrt(n) times the dip of uniform samples of one size."""
    random = np.random.default_rng((SEED, size))
    dips = np.array([dip_statistic(random.random(size)) for _ in range(samples)])
    return [float(value) for value in np.quantile(np.sqrt(size) * dips, PROBABILITIES)]


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=20_000)
    options = parser.parse_args()
    lines = [
        HEAD.format(samples=options.samples, seed=SEED, sizes=SIZES, probabilities=PROBABILITIES)
    ]
    for size in SIZES:
        row = ", ".join(f"{value:.5f}" for value in simulated(size, options.samples))
        lines.append(f"    ({row}),\n")
        print(size, row, flush=True)
    TARGET.write_text("".join([*lines, ")\n"]), encoding="utf-8")


if __name__ == "__main__":
    main()
