"""Capture times as numbers."""

import numpy as np

from dclust_gui.domain.capture import capture_seconds, capture_times


def test_differences_are_seconds_also_across_days() -> None:
    first, second = capture_times(["2024-02-29T23:59:58", "2024-03-01T00:00:01"])
    assert second - first == 3.0


def test_missing_and_impossible_times_are_unknown() -> None:
    assert np.isnan(capture_times(["", "2023-02-31T10:00:00", "soon"])).all()
    assert np.isfinite(capture_seconds("1826-06-01T12:00:00"))
    assert len(capture_times([])) == 0
