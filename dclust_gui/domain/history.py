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
class History:
    """All recorded steps, oldest first, and how many of them are in force.

    Attributes:
        steps: The steps.
        position: Number of steps in force; later ones can be done again.
    """

    steps: tuple[Step, ...] = ()
    position: int = 0

    @property
    def undo_step(self) -> Step | None:
        """The step that undo would take back."""
        return self.steps[self.position - 1] if self.position else None

    @property
    def redo_step(self) -> Step | None:
        """The step that redo would do again."""
        return self.steps[self.position] if self.position < len(self.steps) else None

    def with_step(self, step: Step) -> History:
        """The history after a new decision: it takes the place of the undone ones."""
        return History((*self.steps[: self.position], step), self.position + 1)

    def moved(self, position: int) -> History:
        """The history with another number of steps in force.

        Raises:
            ValueError: If the position is outside the history.
        """
        if not 0 <= position <= len(self.steps):
            raise ValueError("no such step")
        return replace(self, position=position)
