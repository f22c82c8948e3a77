from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dclust_gui.domain import edits
from dclust_gui.domain.clustering import Cluster, Clustering
from dclust_gui.domain.edits import Edit, EditKind
from dclust_gui.domain.history import Step
from dclust_gui.domain.images import ImageRecord
from dclust_gui.storage import journal
from dclust_gui.storage.arrays import DamagedArraysError, to_bytes
from dclust_gui.storage.edit_codec import (
    pack_edit,
    pack_state,
    replay,
    unpack_edit,
    unpack_state,
)
from dclust_gui.storage.project import ProjectStore

if TYPE_CHECKING:
    from collections.abc import Callable

N_IMAGES = 12


def draw_edit(data: st.DataObject, state: Clustering) -> Edit:
    images = data.draw(st.lists(st.integers(0, N_IMAGES - 1), max_size=6))
    known = sorted(state.clusters)
    kinds = ["new", "cut"] + (["move", "merge", "rename", "mark"] if known else [])
    kind = data.draw(st.sampled_from(kinds))
    if kind == "new":
        return edits.new_cluster(state, images, data.draw(st.text(max_size=3)))
    if kind == "cut":
        labels = np.array(data.draw(st.lists(st.integers(0, 2), min_size=12, max_size=12)))
        ids = np.array([-1, state.next_id, state.next_id + 1], np.int32)
        table = {i: Cluster(i) for i in (state.next_id, state.next_id + 1)}
        return edits.replace_all(state, EditKind.CUT, "cut", ids[labels], table, 3)
    target = data.draw(st.sampled_from(known))
    if kind == "move":
        return edits.move(state, images, target)
    if kind == "merge":
        return edits.merge(state, data.draw(st.sets(st.sampled_from(known))), target)
    if kind == "rename":
        return edits.rename(state, target, data.draw(st.text(max_size=3)))
    changed = Cluster(target, "x", 3, "notes", is_pinned=True, is_reviewed=True, is_ignored=True)
    return edits.update_cluster(state, changed, EditKind.MARK, "mark")


def same(a: Clustering, b: Clustering) -> bool:
    return (
        np.array_equal(a.labels, b.labels)
        and np.array_equal(a.flags, b.flags)
        and dict(a.clusters) == dict(b.clusters)
        and a.run_id == b.run_id
    )


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_any_way_through_the_history_gives_the_same_states(
    data: st.DataObject,
    record_of: Callable[[int], ImageRecord],
    step_of: Callable[[Edit], Step],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(journal, "SNAPSHOT_STEPS", data.draw(st.integers(1, 9)))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "p.dclust"
        with ProjectStore.create(path, [Path(folder)]) as project:
            project.add_images([record_of(i) for i in range(N_IMAGES)])
            states = [project.clustering()]
            highest = 1
            for _ in range(data.draw(st.integers(1, 12))):
                if data.draw(st.booleans()):
                    position = data.draw(st.integers(0, len(states) - 1))
                    assert same(project.set_position(position), states[position])
                else:
                    edit = draw_edit(data, project.clustering())
                    del states[project.history().position + 1 :]
                    project.record(edit, step_of(edit))
                    states.append(project.clustering())
                assert project.clustering().next_id >= highest
                highest = project.clustering().next_id
        with ProjectStore.open(path) as project:
            assert same(project.clustering(), states[project.history().position])
            assert project.clustering().next_id == highest
            for position in data.draw(st.permutations(range(len(states)))):
                assert same(project.set_position(position), states[position])


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_edits_and_states_come_back_from_bytes(data: st.DataObject) -> None:
    state = Clustering.empty(N_IMAGES)
    done = []
    for _ in range(data.draw(st.integers(1, 5))):
        edit = draw_edit(data, state)
        back = unpack_edit(pack_edit(edit))
        assert (back.kind, back.title, back.run_after) == (edit.kind, edit.title, edit.run_after)
        assert back.images.dtype == edit.images.dtype == np.int32
        after = edits.apply(state, back)
        assert same(after, edits.apply(state, edit))
        assert same(edits.apply(after, back.inverse()), state)
        done.append(back)
        state = after
    assert same(unpack_state(pack_state(state)), state)
    assert unpack_state(pack_state(state)).next_id == state.next_id
    assert same(replay(Clustering.empty(N_IMAGES), done), state)


def test_replaying_on_another_state_is_refused() -> None:
    state = Clustering.empty(3)
    edit = edits.new_cluster(state, [2])
    for other in (Clustering.empty(2), edits.apply(state, edit)):
        with pytest.raises(ValueError, match="another state"):
            replay(other, [edit])


def test_bytes_of_something_else_are_refused() -> None:
    data = to_bytes({"meta": np.frombuffer(b"{}", np.uint8)})
    with pytest.raises(DamagedArraysError, match="not an edit"):
        unpack_edit(data)
    with pytest.raises(DamagedArraysError, match="not a state"):
        unpack_state(data)


def test_accepting_a_run_on_many_images_is_small() -> None:
    n = 100_000
    labels = np.random.default_rng(0).integers(1, 51, n).astype(np.int32)
    table = {i: Cluster(i) for i in range(1, 51)}
    edit = edits.replace_all(Clustering.empty(n), EditKind.RUN, "accept", labels, table, 1)
    assert len(pack_edit(edit)) < 90_000
