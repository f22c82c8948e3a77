"""The line of decisions of a project: what was done, and how much of it is in force."""

from __future__ import annotations

from dataclasses import dataclass, replace

from dclust_gui.domain.edits import EditKind


@dataclass(frozen=True, slots=True)
class Step:
    """One recorded decision, without its arrays.

    Attributes:
        kind: What was done.
        title: Its name in menus.
        time: When, ISO 8601 with offset.
        user: Who.
    """

    kind: EditKind
    title: str
    time: str
    user: str


@dataclass(frozen=True, slots=True)
class Marker:
    """Something that happened but changed no cluster, such as an export; undo steps over it.

    Attributes:
        title: What happened: `export 412 images to 'sorted'`.
        time: When, ISO 8601 with offset.
        user: Who.
        position: Number of steps that were in force then.
        is_exact: The steps before it are still those of then; False once some of them have been
            undone and replaced by others.
    """

    title: str
    time: str
    user: str
    position: int
    is_exact: bool = True


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the history as it is shown.

    Attributes:
        title: What was done; `start` for the state before the first step.
        time: When, ISO 8601 with offset; empty for the start.
        user: Who; empty for the start.
        position: Where to jump to show the state after it.
        is_in_force: It has not been undone.
        is_present: It is the last step in force, or the start if none is.
        kind: What was done; None for the start and for markers.
        is_marker: It changed no cluster.
    """

    title: str
    time: str
    user: str
    position: int
    is_in_force: bool
    is_present: bool = False
    kind: EditKind | None = None
    is_marker: bool = False


@dataclass(frozen=True, slots=True)
class History:
    """All recorded steps, oldest first, and how many of them are in force.

    Attributes:
        steps: The steps.
        position: Number of steps in force; later ones can be done again.
        markers: What happened besides, oldest first.
    """

    steps: tuple[Step, ...] = ()
    position: int = 0
    markers: tuple[Marker, ...] = ()

    @property
    def undo_step(self) -> Step | None:
        """The step that undo would take back."""
        return self.steps[self.position - 1] if self.position else None

    @property
    def redo_step(self) -> Step | None:
        """The step that redo would do again."""
        return self.steps[self.position] if self.position < len(self.steps) else None

    def with_step(self, step: Step) -> History:
        """The history after a new decision: it takes the place of the undone ones.

        Markers stay, also those that belong to undone steps.
        """
        here = self.position
        markers = self.markers
        if any(marker.position > here for marker in markers):
            markers = tuple(
                replace(m, position=here, is_exact=False) if m.position > here else m
                for m in markers
            )
        return History((*self.steps[:here], step), here + 1, markers)

    def with_marker(self, marker: Marker) -> History:
        """The history after something that changed no cluster."""
        return replace(self, markers=(*self.markers, marker))

    def moved(self, position: int) -> History:
        """The history with another number of steps in force.

        Raises:
            ValueError: If the position is outside the history.
        """
        if not 0 <= position <= len(self.steps):
            raise ValueError("no such step")
        return replace(self, position=position)

    def entries(self) -> tuple[Entry, ...]:
        """The start, all steps and all markers in the order in which they are shown."""
        here = self.position
        by_place: dict[int, list[Entry]] = {}
        for m in self.markers:
            shown = Entry(m.title, m.time, m.user, m.position, m.position <= here, is_marker=True)
            by_place.setdefault(m.position, []).append(shown)
        lines = [Entry("start", "", "", 0, is_in_force=True, is_present=here == 0)]
        lines += by_place.get(0, ())
        for place, step in enumerate(self.steps, 1):
            is_now = place == here
            lines.append(
                Entry(step.title, step.time, step.user, place, place <= here, is_now, step.kind)
            )
            lines += by_place.get(place, ())
        return tuple(lines)

    def selection_step(self, position: int) -> int:
        """Whose selection belongs to a jump from the present position to another.

        Args:
            position: Where the jump goes; not the present position.

        Returns:
            Number of the step, from 0: the first one that is undone, or the last one done again.
        """
        return position if position < self.position else position - 1
