"""The process ends soon after its window, even if a library call cannot be stopped."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = """
import sys, threading
from pathlib import Path
from PySide6.QtCore import QTimer
from dclust_gui.ui import app as root
from dclust_gui.ui.windows import work

class Endless:
    title = "Getting ready"
    def run(self, sink, token):
        threading.Event().wait(60)

work.WarmUpJob = Endless
show = root.App.show

def show_and_close(self, target=None):
    show(self, target)
    def look():
        if self.work._titles.get(self.work._current) == Endless.title:
            timer.stop()
            print("closing", flush=True)
            self.window.close()
    timer = self.look_timer = QTimer(self)
    timer.timeout.connect(look)
    timer.start(10)

root.App.show = show_and_close
sys.exit(root.run_window(Path(sys.argv[1])))
"""


def test_a_library_call_without_end_does_not_keep_the_process(photos: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(photos)],
        stdout=subprocess.PIPE,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        try:
            assert process.wait(timeout=5) == 0
        finally:
            process.kill()
