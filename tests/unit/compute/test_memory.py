"""Memory budget and peak."""

from __future__ import annotations

import psutil
import pytest

from dclust_gui.compute.memory import memory_budget_bytes, peak_rss_mb


def test_budget_is_a_share_of_what_is_free() -> None:
    half, all_of_it = memory_budget_bytes(0.5), memory_budget_bytes(1.0)
    assert 0 < half < all_of_it <= psutil.virtual_memory().total


@pytest.mark.parametrize("share", [0.0, -1.0, 1.5])
def test_impossible_shares_are_refused(share: float) -> None:
    with pytest.raises(ValueError, match="share"):
        memory_budget_bytes(share)


def test_peak_is_at_least_what_is_held_now() -> None:
    held = psutil.Process().memory_info().rss / (1 << 20)
    assert peak_rss_mb() >= 0.9 * held
    assert peak_rss_mb(include_children=True) >= peak_rss_mb()
