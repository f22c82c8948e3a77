"""Reading and matching labels as jobs that any thread can run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dclust_gui.services.importing.plan import plan_import
from dclust_gui.services.importing.sources import read_labels

if TYPE_CHECKING:
    from pathlib import Path

    from dclust_gui.domain.control import CancelToken, EventSink
    from dclust_gui.services.importing.values import ImportPlan, ImportRequest, LabelTable
    from dclust_gui.services.snapshot import Snapshot


@dataclass(frozen=True)
class ReadLabelsJob:
    """Read a file or folder of labels, so that its columns can be chosen."""

    path: Path
    title: str = "Reading labels"

    def run(self, _sink: EventSink, token: CancelToken, /) -> LabelTable:
        """See `services.importing.sources.read_labels`."""
        return read_labels(self.path, token)


@dataclass(frozen=True, eq=False)
class PlanImportJob:
    """Find out what an import would do.

    Attributes:
        request: What is asked for.
        snapshot: The project.
        table: The request's file, read; None for other kinds.
        title: What it does.
    """

    request: ImportRequest
    snapshot: Snapshot
    table: LabelTable | None = None
    title: str = "Matching labels"

    def run(self, sink: EventSink, token: CancelToken, /) -> ImportPlan:
        """See `services.importing.plan.plan_import`."""
        return plan_import(self.request, self.snapshot, sink, token, self.table)
