"""Bursts and brackets of a project: found on request, bound only when a person says so."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.bursts import (
    GAP_S,
    LEAST_SIMILARITY,
    FoundStack,
    Shot,
    StackKind,
    find_stacks,
    in_sequence,
)
from dclust_gui.domain.capture import capture_seconds
from dclust_gui.domain.clustering import NO_STACK
from dclust_gui.domain.edits import count_of
from dclust_gui.domain.errors import InputError
from dclust_gui.domain.events import Stage
from dclust_gui.domain.images import ImageStatus, absolute_path
from dclust_gui.domain.runs import RunSettings
from dclust_gui.domain.stack_edits import Binding
from dclust_gui.engine.progress import StageMeter
from dclust_gui.engine.requests import RunRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from dclust_gui.domain.clustering import Clustering
    from dclust_gui.domain.control import CancelToken, EventSink
    from dclust_gui.engine.pipeline import Engine
    from dclust_gui.services.snapshot import Snapshot

LONGEST_GAP_S = 3600.0
"""Longest gap that can be asked for."""

_PAIRS_AT_ONCE = 2048
_SECOND = 1.0


@dataclass(frozen=True, slots=True)
class StackReport:
    """What was found.

    Attributes:
        stacks: Suggestions by time; none of them is bound already just so.
        n_images: Images that were looked at.
        n_without_time: Images of them that have no capture time and so are in no suggestion.
        n_unread: Images that have no features yet.
        n_bound: Suggestions left out because they are bound already.
        gap_s: Longest gap asked for.
        least_similarity: Least similarity asked for.
    """

    stacks: tuple[FoundStack, ...]
    n_images: int
    n_without_time: int
    n_unread: int
    n_bound: int
    gap_s: float
    least_similarity: float

    def count(self, kind: StackKind) -> int:
        """Number of bursts or of brackets."""
        return sum(stack.kind is kind for stack in self.stacks)

    def bindings(self, chosen: Iterable[FoundStack] | None = None) -> list[Binding]:
        """Some of the suggestions, or all, for `domain.stack_edits.bind`."""
        wanted = self.stacks if chosen is None else chosen
        return [Binding(stack.images, stack.kind is StackKind.BRACKET) for stack in wanted]

    def sentence(self) -> str:
        """What was found, in words."""
        parts = [count_of(self.count(kind), kind.value) for kind in StackKind if self.count(kind)]
        n_inside = sum(len(stack.images) for stack in self.stacks)
        found = f"{' and '.join(parts)} of {count_of(n_inside)}" if parts else "No burst or bracket"
        text = f"{found} in {count_of(self.n_images)}."
        if self.n_bound:
            text += f" {self.n_bound:,} more {'is' if self.n_bound == 1 else 'are'} bound already."
        if self.n_without_time:
            has = "has" if self.n_without_time == 1 else "have"
            text += f" {count_of(self.n_without_time)} {has} no capture time."
        if self.n_unread:
            has = "has" if self.n_unread == 1 else "have"
            text += f" {count_of(self.n_unread)} {has} not been read yet."
        return text


@dataclass(frozen=True, slots=True, eq=False)
class FindStacksJob:
    """Look for bursts and brackets.

    Attributes:
        engine: Gives the features.
        snapshot: The project.
        gap_s: Seconds between neighbours, at most.
        least_similarity: Cosine of the features of neighbours, at least, -1 to 1.
        title: What it does.
    """

    engine: Engine
    snapshot: Snapshot
    gap_s: float = GAP_S
    least_similarity: float = LEAST_SIMILARITY
    title: str = "Looking for bursts and brackets"

    def run(self, sink: EventSink, token: CancelToken) -> StackReport:
        """Do it; any thread.

        Only files that follow another one in time are opened, and only their beginning.

        Raises:
            InputError: If no image has been read yet, or a value cannot be used.
            FeaturesMissingError: If features have left the cache meanwhile.
            Cancelled: If the token says so.
        """
        check_wishes(self.gap_s, self.least_similarity)
        records = self.snapshot.images
        ids = [
            i
            for i, r in enumerate(records)
            if not r.is_missing and r.facts.status is not ImageStatus.UNREADABLE
        ]
        fingerprint = self._fingerprint()
        has = self.engine.has_features(fingerprint, [records[i].content for i in ids])
        if not has.any():
            raise InputError(
                "There are no images to look at.",
                "None of them has been read yet." if ids else "",
                "Cluster first, or wait until they have been read.",
            )
        readable = [i for i, is_there in zip(ids, has.tolist(), strict=True) if is_there]
        timed = [s for s in (self._shot(i) for i in readable) if math.isfinite(s.seconds)]
        # A second more: the fractions of a second are not known yet.
        near = [s for run in in_sequence(timed, self.gap_s + _SECOND) for s in run]
        found = find_stacks(
            self._refined(near, sink, token),
            self._likeness(fingerprint, token),
            self.gap_s,
            self.least_similarity,
        )
        state = self.snapshot.clustering
        new = tuple(stack for stack in found if not _is_bound(state, stack))
        return StackReport(
            new,
            len(readable),
            len(readable) - len(timed),
            len(ids) - len(readable),
            len(found) - len(new),
            self.gap_s,
            self.least_similarity,
        )

    # -- inside ----------------------------------------------------------------------------

    def _fingerprint(self) -> str:
        run = self.snapshot.run
        if run is not None:
            return run.backbone
        return self.engine.backbone(RunRequest(self.snapshot.roots, RunSettings())).fingerprint

    def _shot(self, image: int) -> Shot:
        record = self.snapshot.images[image]
        facts = record.facts
        return Shot(image, capture_seconds(facts.taken_at), facts.camera, record.relative)

    def _refined(self, shots: list[Shot], sink: EventSink, token: CancelToken) -> list[Shot]:
        """The shots with what their files say of exposure and fraction of a second."""
        from dclust_gui.imaging.exposure import read_exposure

        meter = StageMeter(Stage.DECODE, len(shots), sink, token)
        refined = []
        for shot in shots:
            record = self.snapshot.images[shot.image]
            told = read_exposure(absolute_path(self.snapshot.roots[record.root], record.relative))
            refined.append(
                replace(
                    shot,
                    seconds=shot.seconds + told.fraction_s,
                    camera=f"{shot.camera}\0{told.serial}",
                    stops=told.stops,
                    bias=told.bias,
                )
            )
            meter.advance()
        meter.finish()
        return refined

    def _likeness(
        self, fingerprint: str, token: CancelToken
    ) -> Callable[[NDArray[np.int32], NDArray[np.int32]], NDArray[np.float32]]:
        """Cosines of the features of pairs of images, a part of the pairs at a time."""
        records = self.snapshot.images

        def cosines(first: NDArray[np.int32], second: NDArray[np.int32]) -> NDArray[np.float32]:
            found = np.empty(len(first), np.float32)
            for start in range(0, len(first), _PAIRS_AT_ONCE):
                token.checkpoint()
                some = slice(start, start + _PAIRS_AT_ONCE)
                images, places = np.unique(
                    np.concatenate([first[some], second[some]]), return_inverse=True
                )
                contents = [records[i].content for i in images.tolist()]
                rows = self.engine.stored_features(fingerprint, contents).astype(np.float32)
                rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
                a, b = np.split(places, 2)
                found[some] = np.einsum("ij,ij->i", rows[a], rows[b])
            return found

        return cosines


def check_wishes(gap_s: float, least_similarity: float) -> None:
    """Refuse a gap or a similarity that makes no sense.

    Raises:
        InputError: If so.
    """
    if not 0 < gap_s <= LONGEST_GAP_S:
        raise InputError(
            f"Could not use a gap of {gap_s:g} seconds.",
            f"It must be above 0 and at most {LONGEST_GAP_S:,.0f}.",
        )
    if not -1 <= least_similarity <= 1:
        raise InputError(
            f"Could not use a similarity of {least_similarity:g}.",
            "It is a cosine, -1 to 1; alike are 0.7 and more.",
        )


def _is_bound(state: Clustering, found: FoundStack) -> bool:
    """Whether all images of a suggestion are in one stack already."""
    own = state.stacks[np.array(found.images)]
    return bool(own[0] != NO_STACK and (own == own[0]).all())
