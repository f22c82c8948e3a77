from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QPixmap

from dclust_gui.domain.changes import ChangeSet
from dclust_gui.domain.clustering import UNASSIGNED, Cluster, Clustering, ImageFlag
from dclust_gui.domain.images import Companion, CompanionKind, FileStamp, ImageStatus
from dclust_gui.domain.selection import Selection
from dclust_gui.ui.bridge.thumbnail_loader import ThumbnailLoader
from dclust_gui.ui.models.gallery_cell import Badge, PictureState
from dclust_gui.ui.models.gallery_model import GalleryModel, GalleryRole
from dclust_gui.ui.models.gallery_order import GalleryFilter, SortKey, name_keys
from dclust_gui.ui.models.mime import decode_ids, encode_ids
from dclust_gui.ui.models.thumbnail_cache import ThumbnailCache

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytestqt.modeltest import ModelTester
    from pytestqt.qtbot import QtBot

    from tests.ui.conftest import FakeProject, FakeThumbnails, LoopWatch

HELD_UP_S = 1.0
"""Processor time of the window's thread; work image by image would take many seconds."""


@pytest.fixture
def model(qtbot: QtBot, thumbnails: FakeThumbnails, project: FakeProject) -> Iterator[GalleryModel]:
    loader = ThumbnailLoader(thumbnails)
    made = GalleryModel(loader)
    made.set_source(project)
    yield made
    made.set_source(None)
    assert loader.shutdown()


def names(model: GalleryModel) -> list[str]:
    return [model.data(model.index(row)) for row in range(model.rowCount())]


@pytest.mark.parametrize("is_grouped", [False, True])
def test_model_keeps_qt_contract(
    model: GalleryModel, is_grouped: bool, qtmodeltester: ModelTester
) -> None:
    model.set_grouped(is_grouped)
    qtmodeltester.check(model)


def test_empty_model_keeps_qt_contract(model: GalleryModel, qtmodeltester: ModelTester) -> None:
    model.set_source(None)
    assert model.rowCount() == 0
    qtmodeltester.check(model)


def test_names_are_sorted_as_people_do(model: GalleryModel) -> None:
    assert names(model) == [f"img{i}.jpg" for i in range(1, 13)]


def test_names_that_are_not_utf8_can_be_sorted_and_shown(
    project: FakeProject, model: GalleryModel
) -> None:
    odd = replace(project.images[0], relative=b"sub/caf\xe9.jpg")
    project.images = (odd, *project.images[1:])
    project.publish(ChangeSet(1, has_new_images=True))
    assert names(model)[0] == "caf\\xe9.jpg"
    assert model.path_of(0).name == "caf\udce9.jpg"


def test_name_keys_of_nothing_are_none() -> None:
    assert name_keys([]) == []


def test_images_without_capture_time_come_last(project: FakeProject, model: GalleryModel) -> None:
    facts = replace(project.images[0].facts, taken_at="")
    project.images = (replace(project.images[0], facts=facts), *project.images[1:])
    project.publish(ChangeSet(1, has_new_images=True))
    model.set_sort(SortKey.CAPTURE_TIME)
    assert model.ids.tolist() == [*range(1, 12), 0]


def test_sorts_by_typicality_with_unknown_ones_last(
    project: FakeProject, model: GalleryModel
) -> None:
    project.scores = np.linspace(0, 1, 12, dtype=np.float32)
    project.scores[5] = np.nan
    project.publish(ChangeSet(1, has_new_run=True))
    model.set_sort(SortKey.MOST_TYPICAL)
    assert model.ids.tolist() == [11, 10, 9, 8, 7, 6, 4, 3, 2, 1, 0, 5]
    model.set_sort(SortKey.LEAST_TYPICAL)
    assert model.ids.tolist() == [0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 5]


def test_filter_shows_one_cluster_or_unassigned_or_given_images(
    project: FakeProject, model: GalleryModel
) -> None:
    model.set_filter(GalleryFilter(cluster=2))
    assert sorted(model.ids.tolist()) == [1, 4, 7, 10]
    assert (model.row_of(1), model.row_of(0), model.row_of(None)) == (3, -1, -1)
    project.relabel([0, 3], UNASSIGNED)
    model.set_filter(GalleryFilter(cluster=UNASSIGNED))
    assert sorted(model.ids.tolist()) == [0, 3]
    model.set_filter(GalleryFilter(images=frozenset({2, 5, 99})))
    assert sorted(model.ids.tolist()) == [2, 5]
    assert model.shown(frozenset({5, 0, 99})) == (5,)


def test_filter_on_a_cluster_that_ends_shows_all_again(
    project: FakeProject, model: GalleryModel
) -> None:
    model.set_filter(GalleryFilter(cluster=3))
    labels = np.ones(12, np.int32)
    project.clustering = Clustering(labels, np.zeros(12, np.uint8), {1: Cluster(1)}, 4)
    project.publish(ChangeSet(1, np.arange(12, dtype=np.int32), frozenset({2, 3})))
    assert model.filter.shows_all
    assert model.rowCount() == 12


def test_sections_follow_a_move_and_put_unassigned_last(
    project: FakeProject, model: GalleryModel
) -> None:
    model.set_grouped(True)
    assert [(s.cluster, s.start, s.count) for s in model.sections] == [
        (1, 0, 4),
        (2, 4, 4),
        (3, 8, 4),
    ]
    project.relabel([0, 3, 6, 9], UNASSIGNED)
    assert [(s.cluster, s.count) for s in model.sections] == [(2, 4), (3, 4), (UNASSIGNED, 4)]
    assert model.ids.tolist()[-4:] == [9, 6, 3, 0]


def test_accessible_text_names_cluster_place_and_state(
    project: FakeProject, model: GalleryModel
) -> None:
    table = {**project.clustering.clusters, 1: Cluster(1, "Beach", is_pinned=True)}
    project.clustering = replace(project.clustering, clusters=table)
    index = model.index(model.row_of(9))
    assert index.data(Qt.ItemDataRole.AccessibleTextRole) == "img3.jpg, Beach, 3 of 12, pinned"
    assert index.data(Qt.ItemDataRole.AccessibleDescriptionRole) == "not selected"
    project.select_value(Selection(frozenset([9]), 9))
    assert index.data(Qt.ItemDataRole.AccessibleDescriptionRole) == "selected"


def test_roles_tell_id_cluster_confidence_and_status(
    project: FakeProject, model: GalleryModel
) -> None:
    index = model.index(0)
    assert index.data(GalleryRole.ID) == 11
    assert index.data(GalleryRole.CLUSTER) == 3
    assert index.data(GalleryRole.STATUS) == ImageStatus.OK
    assert index.data(GalleryRole.CONFIDENCE) == pytest.approx(float(project.scores[11]))


def test_badges_tell_what_is_special(project: FakeProject, model: GalleryModel) -> None:
    raw = Companion(b"a.cr2", CompanionKind.IMAGE, FileStamp(1, 1))
    facts = replace(project.images[0].facts, status=ImageStatus.DAMAGED)
    first = replace(project.images[0], companions=(raw,), facts=facts, is_missing=True)
    project.images = (first, *project.images[1:])
    flags = np.zeros(12, np.uint8)
    flags[0] = ImageFlag.HAND_PLACED
    project.clustering = replace(project.clustering, flags=flags)
    assert model.look_at(model.row_of(0)).badges == (
        Badge.MISSING,
        Badge.DAMAGED,
        Badge.RAW_PAIR,
        Badge.HAND_PLACED,
    )


def test_thumbnail_appears_when_it_is_loaded(model: GalleryModel, qtbot: QtBot) -> None:
    row = model.row_of(4)
    assert model.look_at(row).state is PictureState.LOADING
    with qtbot.waitSignal(model.dataChanged, timeout=2000):
        assert model.index(row).data(Qt.ItemDataRole.DecorationRole) is None
    look = model.look_at(row)
    assert look.state is PictureState.READY
    assert look.picture is not None
    assert look.picture.width() == 160


def test_unreadable_image_is_marked_until_its_facts_change(
    project: FakeProject, model: GalleryModel, thumbnails: FakeThumbnails, qtbot: QtBot
) -> None:
    thumbnails.unreadable.add("img1.jpg")
    with qtbot.waitSignal(model.dataChanged, timeout=2000):
        model.want([11], [])
    assert model.look_at(0).state is PictureState.UNREADABLE
    project.publish(ChangeSet(1, has_new_images=True))
    assert model.look_at(0).state is PictureState.LOADING


def test_only_wanted_thumbnails_are_read(
    model: GalleryModel, thumbnails: FakeThumbnails, qtbot: QtBot
) -> None:
    thumbnails.gate.clear()
    model.want(list(range(12)), [])
    model.want([0], [])
    thumbnails.gate.set()
    qtbot.waitUntil(lambda: model.picture_of(0) is not None, timeout=2000)
    assert len(thumbnails.asked) <= 1 + model._loader._pool.maxThreadCount()


def test_cache_forgets_the_least_recently_used(qtbot: QtBot) -> None:
    cache = ThumbnailCache(limit_bytes=3 * (10 * 10 * 4 + 256))
    for image in range(3):
        cache.put(image, 10, QPixmap(10, 10))
    cache.get(0)
    cache.put(3, 10, QPixmap(10, 10))
    assert cache.get(1) is None
    assert cache.get(0) is not None
    assert len(cache) == 3
    assert cache.size_bytes <= 3 * (10 * 10 * 4 + 256)


def test_cache_asks_for_another_size_but_not_for_unreadable_files(qtbot: QtBot) -> None:
    cache = ThumbnailCache()
    cache.put(1, 10, QPixmap(10, 10))
    cache.put(2, 10, None)
    assert [cache.needs(i, 20) for i in (1, 2, 3)] == [True, False, True]
    assert not cache.needs(1, 10)
    cache.clear()
    assert cache.size_bytes == 0


def test_mime_ids_come_back_and_those_of_another_process_do_not() -> None:
    assert decode_ids(encode_ids([3, 1, 2**31 - 1])) == (3, 1, 2**31 - 1)
    foreign = np.array([-5, 1, 2], np.int64).tobytes()
    assert decode_ids(foreign) == ()
    assert decode_ids(b"") == ()
    assert decode_ids(b"abc") == ()


def test_hundred_thousand_images_never_hold_up_the_loop(
    big_project: FakeProject, qtbot: QtBot, thumbnails: FakeThumbnails, loop_watch: LoopWatch
) -> None:
    loader = ThumbnailLoader(thumbnails)
    model = GalleryModel(loader)
    loop_watch.reset()
    model.set_source(big_project)
    qtbot.waitUntil(lambda: model.id_at(0) == 99_999, timeout=10_000)
    loop_watch.stop()
    slowest = loop_watch.longest_s
    for step in (
        partial(model.set_grouped, is_grouped=True),
        partial(model.set_sort, SortKey.CAPTURE_TIME),
        partial(model.set_sort, SortKey.LEAST_TYPICAL),
        partial(big_project.relabel, list(range(1000)), 7),
    ):
        begun = time.thread_time()
        step()
        slowest = max(slowest, time.thread_time() - begun)
    assert loader.shutdown()
    assert slowest < HELD_UP_S


def test_images_placed_by_hand_stand_last_in_both_orders_of_typicality(
    project: FakeProject, model: GalleryModel
) -> None:
    project.scores = np.linspace(0, 1, 12, dtype=np.float32)
    project.publish(ChangeSet(1, has_new_run=True))
    model.set_sort(SortKey.MOST_TYPICAL)
    old = project.clustering
    flags = old.flags.copy()
    flags[8] = ImageFlag.HAND_PLACED
    project.clustering = Clustering(old.labels, flags, old.clusters, old.next_id)
    project.publish(ChangeSet(2, np.array([8], np.int32)))
    assert model.ids.tolist()[-1] == 8
    model.set_sort(SortKey.LEAST_TYPICAL)
    assert model.ids.tolist()[-1] == 8


def bind(project: FakeProject, *stacks: tuple[int, ...], bracket: bool = False) -> None:
    """Bind images into stacks and tell all followers."""
    numbers = np.zeros(len(project.images), np.int32)
    flags = project.clustering.flags.copy()
    for number, ids in enumerate(stacks, 1):
        numbers[list(ids)] = number
        flags[list(ids)] = ImageFlag.BRACKET if bracket else 0
    project.clustering = replace(project.clustering, stacks=numbers, flags=flags)
    project.revision += 1
    changed = np.flatnonzero(numbers).astype(np.int32)
    project.publish(ChangeSet(project.revision, changed))


def test_images_of_a_stack_follow_each_other(project: FakeProject, model: GalleryModel) -> None:
    bind(project, (11, 2, 5))  # img1, img10, img7
    assert names(model)[:4] == ["img1.jpg", "img7.jpg", "img10.jpg", "img2.jpg"]
    assert sorted(model.ids.tolist()) == list(range(12))


def test_a_stack_is_told_by_its_size(project: FakeProject, model: GalleryModel) -> None:
    bind(project, (11, 2), bracket=True)
    look = model.look_at(0)
    assert (look.stack, look.is_bracket, look.badges) == (2, True, ())
    assert model.look_at(2).stack == 0
    index = model.index(0)
    assert "in a bracket of 2" in model.data(index, Qt.ItemDataRole.AccessibleTextRole)
    assert "In a bracket of 2" in model.data(index, Qt.ItemDataRole.ToolTipRole)
    assert model.stack_of(2) == {2, 11}
    assert model.stack_of(0) == {0}


def test_a_closed_stack_shows_its_first_image_only(
    project: FakeProject, model: GalleryModel, qtmodeltester: ModelTester
) -> None:
    bind(project, (11, 2, 5), (0, 1))
    model.set_stacks_closed(True)
    assert model.rowCount() == 9
    assert model.n_images == 12
    assert names(model)[:2] == ["img1.jpg", "img2.jpg"]
    assert model.row_of(5) == model.row_of(11) == 0
    assert model.shown(frozenset((5, 11, 10))) == (5, 11, 10)
    assert model.with_stacks(frozenset([5])) == {2, 5, 11}
    assert model.sections[0].n_images == 12
    qtmodeltester.check(model)
    model.set_stacks_closed(False)
    assert model.rowCount() == 12


def test_sections_count_the_images_of_closed_stacks(
    project: FakeProject, model: GalleryModel
) -> None:
    project.clustering = replace(
        project.clustering, labels=np.repeat([1, 2, 3], 4).astype(np.int32)
    )
    model.set_grouped(True)
    model.set_stacks_closed(True)
    bind(project, (0, 1, 2), (8, 9))
    assert [(s.cluster, s.start, s.count, s.n_images) for s in model.sections] == [
        (1, 0, 2, 4),
        (2, 2, 4, 4),
        (3, 6, 3, 4),
    ]
    model.set_filter(GalleryFilter(cluster=99))
    model.set_filter(GalleryFilter(images=frozenset()))
    assert model.rowCount() == 0
