"""The window opens before anything heavy is loaded."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("torch", "torchvision", "timm", "sklearn", "scipy", "matplotlib", "pandas")


def test_window_opens_without_heavy_imports() -> None:
    code = f"import sys, dclust_gui.ui.app; print([m for m in {HEAVY!r} if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
