"""Sizes of files in words."""

from __future__ import annotations

import math


def bytes_text(n_bytes: int) -> str:
    """`812 B`, `3.4 MB`, `1.20 GB`."""
    if n_bytes < 1000:
        return f"{n_bytes} B"
    power = min(4, int(math.log10(n_bytes) / 3 + 1e-9))
    value = n_bytes / 1000**power
    digits = 1 if power > 1 and value < 99.95 else 0
    return f"{value:.{digits}f} {('B', 'kB', 'MB', 'GB', 'TB')[power]}"
