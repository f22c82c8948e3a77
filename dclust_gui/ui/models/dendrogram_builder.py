"""Lays out a tree on a thread of its own, so that the window never waits for it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QThreadPool, Signal, Slot

from dclust_gui.domain.errors import KnownError
from dclust_gui.domain.tree_levels import TreeLevels
from dclust_gui.services.cutting import tree_of

if TYPE_CHECKING:
    from dclust_gui.domain.runs import Run
    from dclust_gui.domain.tree_layout import TreeLayout

log = logging.getLogger(__name__)

_SHUTDOWN_MS = 5000


@dataclass(frozen=True, slots=True, eq=False)
class BuiltTree:
    """A tree ready to be drawn.

    Attributes:
        run: The run it belongs to.
        layout: The tree laid out.
        levels: Its levels of detail.
    """

    run: Run
    layout: TreeLayout
    levels: TreeLevels


def build_tree(run: Run) -> BuiltTree:
    """Lay out a run's tree; about 0.3 s for 100,000 leaves.

    Raises:
        InputError: If the tree is damaged.
    """
    layout = tree_of(run)
    return BuiltTree(run, layout, TreeLevels(layout))


class TreeBuilder(QObject):
    """Builds the tree that was asked for last; lives on the GUI thread.

    Signals:
        built: A `BuiltTree`.
        failed: Why there is none, fit to show.
    """

    built = Signal(object)
    failed = Signal(str)

    _finished = Signal(int, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = QThreadPool()
        self._pool.setMaxThreadCount(1)
        self._generation = 0
        self._finished.connect(self._on_finished, Qt.ConnectionType.QueuedConnection)

    def start(self, run: Run) -> None:
        """Build a run's tree; what was asked for before is dropped."""
        self._generation += 1
        number = self._generation

        def build() -> None:
            result: BuiltTree | str
            try:
                result = build_tree(run)
            except KnownError as error:
                result = str(error)
            except Exception:
                log.exception("could not lay out the tree of run %d", run.id)
                result = "The tree could not be drawn; the log says more."
            self._finished.emit(number, result)

        self._pool.start(build)

    def cancel(self) -> None:
        """Drop what was asked for."""
        self._generation += 1

    def shutdown(self, timeout_ms: int = _SHUTDOWN_MS) -> bool:
        """Wait for the thread; True if it ended in time."""
        self.cancel()
        return self._pool.waitForDone(timeout_ms)

    @Slot(int, object)
    def _on_finished(self, number: int, result: BuiltTree | str) -> None:
        if number != self._generation:
            return
        if isinstance(result, str):
            self.failed.emit(result)
        else:
            self.built.emit(result)
