"""Methods, heads and their parameters, for run panel and command line; loads no library."""

from __future__ import annotations

from dclust_gui.algorithms.registry import (
    Kind,
    Method,
    Parameter,
    head,
    heads,
    method,
    methods,
)

__all__ = ["Kind", "Method", "Parameter", "head", "heads", "method", "methods"]
