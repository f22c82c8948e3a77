"""Imports timm also where torchvision and torch come from different builds."""

from __future__ import annotations

import importlib
import logging
import sys
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

_MISSING_OPERATORS = ("nms", "qnms")
_SCHEMA = "{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"


def import_timm() -> ModuleType:
    """Import timm, mending torchvision's missing operators first where that is needed.

    A torchvision from PyPI beside a CPU-only torch cannot load its compiled part and then stops
    with `operator torchvision::nms does not exist`. Only the two operator names are needed, never
    the operators: no classification model calls them. They are defined after a failed import
    only, so a working torchvision is left alone.

    Returns:
        The module `timm`.

    Raises:
        ImportError: If timm or torchvision is not installed.
        RuntimeError: If torchvision fails for another reason.
    """
    if "timm" in sys.modules:
        return sys.modules["timm"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            importlib.import_module("torchvision")
        except RuntimeError as error:
            if "torchvision::" not in str(error):
                raise
            _forget("torchvision")
            define_missing_operators()
            importlib.import_module("torchvision")
        timm = importlib.import_module("timm")
    logging.getLogger("timm").setLevel(logging.ERROR)
    return timm


def define_missing_operators() -> None:
    """Declare the operators that torchvision's Python code names at import time."""
    torch = importlib.import_module("torch")
    library = torch.library.Library("torchvision", "FRAGMENT")
    for name in _MISSING_OPERATORS:
        if not hasattr(torch.ops.torchvision, name):
            library.define(_SCHEMA.format(name=name))
    # A library that is collected takes its operators with it, so torch keeps this one.
    torch.ops.torchvision.dclust_operators = library


def _forget(package: str) -> None:
    """Drop a half-imported package, so that the next import starts afresh."""
    for name in [n for n in sys.modules if n == package or n.startswith(package + ".")]:
        del sys.modules[name]
