"""The window loads nothing heavy before it is seen."""

from __future__ import annotations

import json
import os
import subprocess
import sys

SCRIPT = """
import json, sys, time
started = time.perf_counter()
from PySide6.QtWidgets import QApplication
from dclust_gui.ui.app import App
qt = QApplication([])
app = App()
app.show()
qt.sendPostedEvents()
seconds = time.perf_counter() - started
heavy = ("torch", "torchvision", "timm", "sklearn", "scipy", "matplotlib", "PIL", "rawpy", "psutil")
print(json.dumps({"seconds": seconds, "heavy": [m for m in heavy if m in sys.modules]}))
app.window.allow_close()
app.shutdown()
"""


def test_the_window_shows_before_anything_heavy_is_imported() -> None:
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        check=True,
    )
    found = json.loads(result.stdout.strip().splitlines()[-1])
    assert found["heavy"] == []
