"""Random edits of every kind: all undone is the very start, all redone the very end."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dclust_gui.domain.images import FileStamp, ImageFacts, ImageRecord, ImageStatus
from dclust_gui.domain.selection import Selection
from dclust_gui.services.bench.edit_kinds import KINDS, RandomEdits
from dclust_gui.services.session import ProjectSession
from dclust_gui.storage import journal
from dclust_gui.storage.project import ProjectStore

if TYPE_CHECKING:
    from dclust_gui.domain.clustering import Clustering

N_IMAGES = 40
EDITS = 100

Wish = tuple[str, int, frozenset[int]]
WISHES = st.lists(
    st.tuples(
        st.sampled_from(KINDS),
        st.integers(0, 2**32 - 1),
        st.frozensets(st.integers(0, N_IMAGES - 1), max_size=4),
    ),
    min_size=EDITS,
    max_size=EDITS,
)


def bits(state: Clustering) -> tuple[bytes, bytes, str, int | None]:
    """All that a state is, but for the next free id, which never falls."""
    return (
        state.labels.tobytes(),
        state.flags.tobytes(),
        repr(dict(state.clusters)),
        state.run_id,
    )


def record(number: int) -> ImageRecord:
    facts = ImageFacts(ImageStatus.OK, width=4, height=3)
    stamp = FileStamp(number + 1, 1, 1, 1)
    return ImageRecord(0, b"%d.jpg" % number, stamp, number.to_bytes(16, "big"), facts)


def check_there_and_back(wishes: list[Wish]) -> None:
    """Do all of it on a project file, with the project closed and opened between."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "p.dclust"
        session = ProjectSession(ProjectStore.create(path, [Path(folder)]))
        session.add_images([record(i) for i in range(N_IMAGES)])
        states, selections = [bits(session.clustering)], list[Selection]()
        for kind, seed, selected in wishes:
            session.select(selected)
            maker = RandomEdits(session.clustering, np.random.default_rng(seed), 9)
            if session.apply(maker.make(kind)):
                states.append(bits(session.clustering))
                selections.append(session.selection)
        last = len(states) - 1
        assert session.history.position == last
        for position in range(last - 1, -1, -1):
            assert session.undo()
            assert bits(session.clustering) == states[position]
            assert session.selection == selections[position]
        assert not session.undo()
        session.close()

        session = ProjectSession(ProjectStore.open(path))
        assert bits(session.clustering) == states[0]
        for position in range(1, last + 1):
            assert session.redo()
            assert bits(session.clustering) == states[position]
            assert session.selection == selections[position - 1]
        assert not session.redo()
        for position in (last // 2, 0, last, last // 3):
            session.jump(position)
            assert bits(session.clustering) == states[position]
        session.close()


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(wishes=WISHES)
def test_five_hundred_edits_there_and_back(
    wishes: list[Wish], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "SNAPSHOT_STEPS", 17)
    check_there_and_back(wishes)


@pytest.mark.slow
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(wishes=WISHES)
def test_ten_thousand_edits_there_and_back(wishes: list[Wish], only_when_asked: None) -> None:
    check_there_and_back(wishes)


def test_markers_are_stepped_over_and_stay(tmp_path: Path) -> None:
    path = tmp_path / "p.dclust"
    session = ProjectSession(ProjectStore.create(path, [tmp_path]))
    session.add_images([record(i) for i in range(3)])
    session.new_cluster([0], "A")
    session.new_cluster([1], "B")
    session.mark("export 2 images to 'sorted'")
    assert session.history.undo_step is not None
    assert session.history.undo_step.title.startswith("new cluster 'B'")
    session.undo()
    session.mark("export 1 image to 'sorted'")
    assert session.redo()
    session.undo()
    session.new_cluster([2], "C")
    session.close()
    session = ProjectSession(ProjectStore.open(path))
    shown = [(e.title, e.position, e.is_marker) for e in session.history.entries()]
    session.close()
    assert shown == [
        ("start", 0, False),
        ("new cluster 'A' from 1 image", 1, False),
        ("export 2 images to 'sorted'", 1, True),
        ("export 1 image to 'sorted'", 1, True),
        ("new cluster 'C' from 1 image", 2, False),
    ]
    assert [m.is_exact for m in session.history.markers] == [False, True]


def test_steps_made_without_a_selection_leave_it_alone(tmp_path: Path) -> None:
    session = ProjectSession(ProjectStore.create(tmp_path / "p.dclust", [tmp_path]))
    session.add_images([record(i) for i in range(3)])
    session.new_cluster([0], "A")
    session.store._connection.execute("UPDATE step SET selection = NULL")  # type: ignore[union-attr]
    session.select([1, 2], current=2)
    session.undo()
    assert session.selection.images == {1, 2}
    session.close()
