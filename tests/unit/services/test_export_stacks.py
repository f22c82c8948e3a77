"""Stacks in exports: one folder, names next to each other, all or none."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.clustering import Cluster, Clustering
from dclust_gui.domain.control import CancelToken, ignore_events
from dclust_gui.services.export import run_export
from dclust_gui.services.export_layout import Layout
from dclust_gui.services.export_plan import ExportRequest, export_items, plan_export
from dclust_gui.services.export_steps import Action, OnConflict

if TYPE_CHECKING:
    from dclust_gui.services.export_plan import ExportPlan
    from dclust_gui.services.export_steps import ExportItem
    from tests.unit.services.conftest import World


def bound(items: list[ExportItem], *groups: tuple[str, ...]) -> list[ExportItem]:
    """The items with those of each group in a stack."""
    stack_of = {name: number for number, group in enumerate(groups, 1) for name in group}
    return [replace(i, stack=stack_of.get(os.fsdecode(i.image.relative), 0)) for i in items]


def plan(world: World, items: list[ExportItem], **more: object) -> ExportPlan:
    request = replace(ExportRequest(world.target), **more)  # type: ignore[arg-type]
    return plan_export(items, [world.root], request)


def copied(found: ExportPlan) -> list[str]:
    return sorted(s.destination.decode() for s in found.steps if s.action is Action.COPY)


def test_items_know_their_stacks() -> None:
    state = Clustering(
        np.array([1, 1], np.int32),
        np.zeros(2, np.uint8),
        {1: Cluster(1)},
        2,
        None,
        np.array([7, 7], np.int32),
    )
    images = (object(), object())
    assert [item.stack for item in export_items(images, state)] == [7, 7]  # type: ignore[arg-type]


def test_a_stack_lies_in_the_folder_of_its_first_image(world: World) -> None:
    for name in ("a/1.jpg", "b/2.jpg", "b/3.jpg"):
        world.add(name)
    clusters = dict.fromkeys(("a/1.jpg", "b/2.jpg", "b/3.jpg"), "Beach")
    items = bound(world.items(clusters), ("a/1.jpg", "b/2.jpg"))
    found = plan(world, items, layout=Layout(keep_folders=True))
    assert copied(found) == ["Beach/a/1.jpg", "Beach/a/2.jpg", "Beach/b/3.jpg"]


def test_numbers_of_a_stack_follow_each_other(world: World) -> None:
    names = ("1.jpg", "2.jpg", "3.jpg", "4.jpg")
    for name in names:
        world.add(name)
    items = bound(world.items(dict.fromkeys(names, "Beach")), ("1.jpg", "4.jpg"))
    found = plan(world, items, layout=Layout(pattern="{number}_{name}"))
    assert copied(found) == [
        "Beach/0001_1.jpg",
        "Beach/0002_4.jpg",
        "Beach/0003_2.jpg",
        "Beach/0004_3.jpg",
    ]


def test_a_stack_is_skipped_as_a_whole(world: World) -> None:
    names = ("1.jpg", "2.jpg", "3.jpg")
    for name in names:
        world.add(name)
    (world.target / "Beach").mkdir(parents=True)
    (world.target / "Beach" / "2.jpg").write_text("somebody else's")
    items = bound(world.items(dict.fromkeys(names, "Beach")), ("1.jpg", "2.jpg"))
    found = plan(world, items, on_conflict=OnConflict.SKIP)
    assert copied(found) == ["Beach/3.jpg"]
    reasons = {skipped.source.name: skipped.reason for skipped in found.skipped}
    assert "stack" in reasons["1.jpg"]
    assert "name is there" in reasons["2.jpg"]
    numbered = plan(world, items, on_conflict=OnConflict.NUMBER)
    assert len(copied(numbered)) == 3


def test_a_stack_waits_until_all_its_conflicts_are_decided(world: World) -> None:
    names = ("1.jpg", "2.jpg")
    paths = [world.add(name) for name in names]
    (world.target / "Beach").mkdir(parents=True)
    (world.target / "Beach" / "2.jpg").write_text("somebody else's")
    items = bound(world.items(dict.fromkeys(names, "Beach")), names)
    asked = plan(world, items, on_conflict=OnConflict.ASK)
    assert copied(asked) == []
    assert len(asked.undecided) == 1
    key = os.fsencode(paths[1])
    out = plan(world, items, on_conflict=OnConflict.ASK, choices={key: OnConflict.SKIP})
    assert copied(out) == []
    taken = plan(world, items, on_conflict=OnConflict.ASK, choices={key: OnConflict.NUMBER})
    assert len(copied(taken)) == 2


def test_what_is_there_already_stays_and_the_same_file_tears_nothing(world: World) -> None:
    names = ("1.jpg", "2.jpg")
    for name in names:
        world.add(name)
    items = bound(world.items(dict.fromkeys(names, "Beach")), names)
    run_export(plan(world, items), ignore_events, CancelToken())
    again = plan(world, items, on_conflict=OnConflict.SKIP)
    assert {step.action for step in again.steps} == {Action.KEEP}
    (world.target / ".dclust-journal.jsonl").unlink()
    (world.target / "Beach" / "1.jpg").unlink()
    asked = plan(world, items, on_conflict=OnConflict.ASK)
    assert copied(asked) == ["Beach/1.jpg"]  # the other is there, whoever put it there
