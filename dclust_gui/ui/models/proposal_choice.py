"""What a person takes of a proposal: clusters that are checked, images that stay all the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.clustering import UNASSIGNED
from dclust_gui.domain.edits import apply, count_of
from dclust_gui.ui.models.palette import NO_COLOUR

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dclust_gui.domain.clustering import Clustering
    from dclust_gui.domain.edits import Edit
    from dclust_gui.domain.proposals import ClusterChange, Proposal


@dataclass(frozen=True, slots=True, eq=False)
class ProposalRow:
    """One cluster of the list.

    Attributes:
        change: What would happen to it.
        title: Its title.
        colour: Palette index; `NO_COLOUR` for Unassigned.
    """

    change: ClusterChange
    title: str
    colour: int

    @property
    def cluster(self) -> int:
        """Its id, or `UNASSIGNED`."""
        return self.change.cluster

    @property
    def can_check(self) -> bool:
        """Whether images would come to it; those that leave are decided where they arrive."""
        return len(self.change.arriving) > 0


class ProposalChoice:
    """A proposal against a state, and what of it is wanted; everything at first.

    Args:
        proposal: The moves.
        state: The saved state.
    """

    def __init__(self, proposal: Proposal, state: Clustering) -> None:
        self.proposal = proposal
        self._run_id = state.run_id
        self._unchecked: set[int] = set()
        self._without: set[int] = set()
        pairs = zip(proposal.images.tolist(), proposal.after.tolist(), strict=True)
        self._targets: dict[int, int] = dict(pairs)
        self._state = state
        self._rows: tuple[ProposalRow, ...] = ()
        self._n_moves = 0
        self._taken: NDArray[np.bool_] | None = None
        self.set_state(state)

    # -- what there is -----------------------------------------------------------------------

    @property
    def rows(self) -> tuple[ProposalRow, ...]:
        """Clusters that would change, those that most images come to first."""
        return self._rows

    @property
    def n_moves(self) -> int:
        """Moves that still make sense."""
        return self._n_moves

    @property
    def n_stale(self) -> int:
        """Moves that do not any more: their images were moved or decided on since."""
        return len(self.proposal.images) - self._n_moves

    @property
    def has_other_run(self) -> bool:
        """Whether another run is in force than when it was made."""
        return self._state.run_id != self._run_id

    @property
    def takes_all(self) -> bool:
        """Whether nothing was unchecked."""
        return self.n_chosen() == self._n_moves

    def is_checked(self, cluster: int) -> bool:
        """Whether what comes to a cluster is wanted."""
        return cluster not in self._unchecked

    def is_out(self, image: int) -> bool:
        """Whether an image was unchecked by itself."""
        return image in self._without

    def takes(self, image: int, cluster: int) -> bool:
        """Whether an image would move to a cluster by what is chosen."""
        return cluster not in self._unchecked and image not in self._without

    def n_taken(self, row: ProposalRow) -> int:
        """How many images come to a cluster by what is chosen."""
        return int(self._mask()[row.change.arriving].sum())

    def n_let_go(self, row: ProposalRow) -> int:
        """How many images leave a cluster by what is chosen."""
        return int(self._mask()[row.change.leaving].sum())

    def n_chosen(self) -> int:
        """How many images would move by what is chosen."""
        return sum(self.n_taken(row) for row in self._rows)

    def target_of(self, image: int) -> int:
        """Where an image would go; `UNASSIGNED` for one that would stay."""
        return self._targets.get(image, UNASSIGNED)

    def _mask(self) -> NDArray[np.bool_]:
        """Which images move by what is chosen: bool (n_images,)."""
        if self._taken is None:
            proposal = self.proposal
            taken = ~np.isin(proposal.after, list(self._unchecked))
            taken &= ~np.isin(proposal.images, list(self._without))
            self._taken = np.zeros(self._state.n_images, np.bool_)
            self._taken[proposal.images] = taken
        return self._taken

    # -- wishes ------------------------------------------------------------------------------

    def set_state(self, state: Clustering) -> None:
        """Go by another saved state; moves that make no sense in it are left out."""
        self._state, self._taken = state, None
        table = state.clusters
        self._rows = tuple(
            ProposalRow(
                change,
                "Unassigned" if change.cluster == UNASSIGNED else table[change.cluster].title,
                NO_COLOUR if change.cluster == UNASSIGNED else table[change.cluster].colour,
            )
            for change in self.proposal.changes(state)
            if change.cluster == UNASSIGNED or change.cluster in table
        )
        self._n_moves = sum(len(row.change.arriving) for row in self._rows)

    def set_checked(self, cluster: int, *, is_checked: bool) -> None:
        """Want what comes to a cluster, or not."""
        self._taken = None
        (self._unchecked.discard if is_checked else self._unchecked.add)(cluster)

    def toggle_image(self, image: int) -> None:
        """Leave an image where it is, or move it after all."""
        self._taken = None
        (self._without.remove if image in self._without else self._without.add)(image)

    def edit(self, *, takes_all: bool = False) -> Edit:
        """What is chosen, or everything, as one step."""
        if takes_all:
            return self.proposal.edit(self._state)
        checked = [row.cluster for row in self._rows if row.cluster not in self._unchecked]
        return self.proposal.edit(self._state, checked, self._without)

    def preview(self) -> Clustering:
        """The state as it would be."""
        return apply(self._state, self.edit())


def row_numbers(row: ProposalRow, choice: ProposalChoice) -> tuple[str, ...]:
    """`41 → 38 images`, `5 of 6 come` and `8 leave`, by what is chosen."""
    change = row.change
    n_come, n_leave = choice.n_taken(row), choice.n_let_go(row)
    size_after = change.size + n_come - n_leave
    sizes = (
        count_of(change.size)
        if change.size == size_after
        else f"{change.size:,} → {count_of(size_after)}"
    )
    parts = [
        f"{n:,} {what}" if n == n_all else f"{n:,} of {n_all:,} {what}"
        for n, n_all, what in (
            (n_come, len(change.arriving), "come"),
            (n_leave, len(change.leaving), "leave"),
        )
        if n_all
    ]
    return (sizes, *parts)
