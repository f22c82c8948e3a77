"""Methods, heads and their parameters, for run panel and command line; loads no library."""

from __future__ import annotations

from dclust_gui.algorithms.finetune_rows import FINETUNERS
from dclust_gui.algorithms.registry import (
    DEFAULT_HEAD,
    Kind,
    Method,
    Parameter,
    head,
    heads,
    method,
    methods,
)

__all__ = [
    "DEFAULT_HEAD",
    "FINETUNERS",
    "Kind",
    "Method",
    "Parameter",
    "head",
    "heads",
    "method",
    "methods",
]
