"""The order of stages: scan, decode, features, reduce, cluster, tree, measure."""

from dclust_gui.engine.pipeline import Engine
from dclust_gui.engine.requests import IngestResult, RunRequest, RunResult

__all__ = ["Engine", "IngestResult", "RunRequest", "RunResult"]
