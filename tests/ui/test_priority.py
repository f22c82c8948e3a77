"""The engine's thread leaves the processors to the window's."""

from __future__ import annotations

import os
import sys
import threading

import pytest

from dclust_gui.ui.bridge.priority import yield_to_window


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="threads have no niceness here")
def test_only_the_thread_and_those_it_starts_become_nicer() -> None:
    before = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    seen: list[int] = []

    def note() -> None:
        seen.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))

    def work() -> None:
        yield_to_window()
        note()
        child = threading.Thread(target=note)
        child.start()
        child.join()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [max(before, 10)] * 2
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == before
