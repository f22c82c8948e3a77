"""timm imports whatever build of torchvision is beside torch."""

from __future__ import annotations

import subprocess
import sys

from dclust_gui.compute.torchvision_fix import import_timm


def test_timm_imports_and_knows_the_default_backbone() -> None:
    assert import_timm().is_model("tf_efficientnet_lite0")
    assert import_timm() is import_timm()


def test_a_fresh_interpreter_imports_timm_without_a_warning() -> None:
    code = (
        "from dclust_gui.compute.torchvision_fix import import_timm\n"
        "import_timm()\n"
        "import gc, torch; gc.collect(); torch.ops.torchvision.nms\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-c", code],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
