"""Cyclic garbage goes on the window's thread, and long lists are put aside."""

from __future__ import annotations

import gc
import weakref
from typing import TYPE_CHECKING

from dclust_gui.ui.bridge.garbage import GarbageKeeper

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot


class Knot:
    """Refers to itself, so that only the collector can free it."""

    def __init__(self) -> None:
        self.other = self


def test_garbage_is_collected_in_time_and_the_collector_comes_back(qtbot: QtBot) -> None:
    keeper = GarbageKeeper(interval_ms=1)
    keeper.start()
    try:
        assert not gc.isenabled()
        knots = [weakref.ref(Knot()) for _ in range(3000)]
        qtbot.waitUntil(lambda: not any(knot() for knot in knots), timeout=3000)
    finally:
        keeper.stop()
    assert gc.isenabled()
    gc.unfreeze()


def test_long_lists_are_put_aside_and_still_freed(qtbot: QtBot) -> None:
    keeper = GarbageKeeper(interval_ms=1)
    keeper.start()
    try:
        before = gc.get_freeze_count()
        many = [Knot() for _ in range(40_000)]
        for knot in many:
            del knot.other
        qtbot.waitUntil(lambda: gc.get_freeze_count() > before + 30_000, timeout=3000)
        last = weakref.ref(many[-1])
        del many, knot
        assert last() is None
    finally:
        keeper.stop()
        gc.unfreeze()
