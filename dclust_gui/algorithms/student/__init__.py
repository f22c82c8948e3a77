"""A small classifier taught by a finished clustering; names load PyTorch when first used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dclust_gui.algorithms.student.classifier import StudentClassifier

__all__ = ["StudentClassifier"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.classifier"), name)
