"""Fine-tuning for the window: how long it would take, and the backbones that were trained here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dclust_gui.domain.errors import InputError
from dclust_gui.domain.images import ImageStatus, absolute_path
from dclust_gui.engine.requests import RunRequest

if TYPE_CHECKING:
    from dclust_gui.domain.control import CancelToken
    from dclust_gui.domain.runs import RunSettings
    from dclust_gui.engine.pipeline import Engine
    from dclust_gui.services.snapshot import Snapshot

_PROBED = 16


@dataclass(frozen=True, slots=True)
class BackboneChoice:
    """A backbone that was trained here.

    Attributes:
        name: As a run's settings name it.
        title: Without the prefix.
        origin: What it came from, in words.
    """

    name: str
    title: str
    origin: str


@dataclass(frozen=True, slots=True, eq=False)
class TuningTimeQuery:
    """Ask how long a fine-tuning of a project's images would take: text.

    Some images are read and some steps are done, which takes seconds; ask it on a thread where
    nobody waits.

    Attributes:
        engine: Measures.
        snapshot: The project.
        settings: Of the run.
    """

    engine: Engine
    snapshot: Snapshot
    settings: RunSettings

    def run(self, token: CancelToken) -> str:
        """See `Engine.tuning_time`."""
        readable = [
            record
            for record in self.snapshot.images
            if not record.is_missing and record.facts.status is not ImageStatus.UNREADABLE
        ]
        if not readable:
            raise InputError("There are no images to measure on.")
        step = max(1, len(readable) // _PROBED)
        files = [
            absolute_path(self.snapshot.roots[record.root], record.relative)
            for record in readable[::step][:_PROBED]
        ]
        request = RunRequest(self.snapshot.roots, self.settings)
        return self.engine.tuning_time(files, len(readable), request, token)


@dataclass(frozen=True, slots=True, eq=False)
class BackbonesQuery:
    """Ask which backbones were trained here: a tuple of `BackboneChoice`."""

    engine: Engine

    def run(self, token: CancelToken) -> tuple[BackboneChoice, ...]:
        """See `trained_backbones`."""
        token.checkpoint()
        return trained_backbones(self.engine)


def trained_backbones(engine: Engine) -> tuple[BackboneChoice, ...]:
    """The backbones that were trained on this computer, the latest first; reads a few small files.

    Args:
        engine: Knows where they are.
    """
    from dclust_gui.domain.runs import TUNED_PREFIX
    from dclust_gui.features.tuned import list_tuned

    return tuple(
        BackboneChoice(t.name, t.name.removeprefix(TUNED_PREFIX), t.origin)
        for t in list_tuned(engine.weights_dir)
    )
