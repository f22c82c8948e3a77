"""Which image a label is for, what is not taken, and what the labels become."""

from __future__ import annotations

import json
import os
import shutil
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from dclust_gui.domain.clustering import Cluster
from dclust_gui.domain.control import Cancelled, CancelToken, ignore_events
from dclust_gui.domain.edits import EditKind
from dclust_gui.domain.errors import InputError, StorageError
from dclust_gui.services import marks
from dclust_gui.services.importing.plan import apply_import, cluster_import, plan_import
from dclust_gui.services.importing.reports import found_text, names_text, write_problems
from dclust_gui.services.importing.values import How, ImportRequest, SourceKind
from dclust_gui.services.opening import open_project
from dclust_gui.services.snapshot import snapshot_of
from dclust_gui.services.truth import evaluate_truth, keep_truth, true_classes

if TYPE_CHECKING:
    from tests.unit.services.importing.conftest import Library


@pytest.fixture(autouse=True)
def _files(library: Library) -> None:
    for name in ("sea/a.jpg", "sea/b.jpg", "sky/a.jpg", "sky/c.jpg", "d.jpg"):
        library.add(name)


def table(*rows: str) -> str:
    return "\n".join(("path,label", *rows)) + "\n"


def test_paths_below_the_root_on_this_computer_and_beside_the_table(library: Library) -> None:
    session = library.project()
    root = session.roots[0]
    rows = ("sea/a.jpg,x", "./sea/b.jpg,x", f"{root}/sky/a.jpg,y", r"SKY\C.JPG,y")
    library.write("l.csv", table(*rows))
    plan = library.plan(session, "l.csv")
    assert library.labelled(session, plan) == {
        "sea/a.jpg": "x",
        "sea/b.jpg": "x",
        "sky/a.jpg": "y",
        "sky/c.jpg": "y",
    }
    assert plan.how == {How.PATH: 4}
    assert plan.problems == ()
    library.write("photos/sea/l.csv", table("../sky/c.jpg,beside"))
    assert library.labelled(session, library.plan(session, "photos/sea/l.csv")) == {
        "sky/c.jpg": "beside"
    }


def test_what_lies_below_comes_before_what_lies_beside_the_table(library: Library) -> None:
    session = library.project()
    library.add("photos/sea/sea/a.jpg", "another", root="")
    library.write("photos/sea/l.csv", table("sea/a.jpg,x"))
    assert library.labelled(session, library.plan(session, "photos/sea/l.csv")) == {
        "sea/a.jpg": "x"
    }


def test_files_that_moved_are_known_by_their_content(library: Library) -> None:
    shutil.copytree(library.folder / "photos", library.folder / "old")
    (library.folder / "photos/sea").rename(library.folder / "photos/water")
    (library.folder / "photos/sky/c.jpg").rename(library.folder / "photos/sky/e.jpg")
    session = library.project()
    library.write("l.csv", table("sea/a.jpg,x", "sky/c.jpg,y", "sky/a.jpg,y"))
    plan = library.plan(session, "l.csv", base=library.folder / "old")
    assert library.labelled(session, plan) == {
        "water/a.jpg": "x",
        "sky/e.jpg": "y",
        "sky/a.jpg": "y",
    }
    assert plan.how == {How.CONTENT: 2, How.PATH: 1}
    unread = library.project(is_read=False)
    plan = library.plan(unread, "l.csv", base=library.folder / "old")
    assert len(plan.labels.images) == 3, "files that were never read are hashed"


def test_a_content_hash_says_which_file_is_meant_when_names_were_swapped(library: Library) -> None:
    before = library.project()
    rows = [
        {
            "path": os.fsdecode(r.relative),
            "name": os.fsdecode(r.relative),
            "content": r.content.hex(),
        }
        for r in before.images
    ]
    photos = library.folder / "photos"
    (photos / "sea/a.jpg").rename(photos / "x")
    (photos / "sea/b.jpg").rename(photos / "sea/a.jpg")
    (photos / "x").rename(photos / "sea/b.jpg")
    (photos / "d.jpg").write_text("worked on since")
    library.write("l.json", json.dumps(rows))
    after = library.project()
    labels = library.labelled(after, library.plan(after, "l.json"))
    assert labels["sea/a.jpg"] == "sea/b.jpg"
    assert labels["sea/b.jpg"] == "sea/a.jpg"
    assert labels["d.jpg"] == "d.jpg", "nothing else has its content, so the path counts"


def test_a_bare_name_counts_only_if_it_is_unique(library: Library) -> None:
    session = library.project()
    library.write("l.csv", table("a.jpg,x", "b.jpg,y", "c,z", "nowhere.jpg,z"))
    plan = library.plan(session, "l.csv")
    assert library.labelled(session, plan) == {"sea/b.jpg": "y", "sky/c.jpg": "z"}
    assert plan.how == {How.NAME: 2}
    assert [str(p) for p in plan.problems] == [
        "line 2: a.jpg: 2 images are called so: give more of the path.",
        "line 5: nowhere.jpg: There is no such image in the project.",
    ]


def test_ends_of_paths_must_agree_as_a_whole(library: Library) -> None:
    session = library.project()
    rows = (
        "C:\\\\old\\\\sea\\\\b.jpg,x",
        "/elsewhere/photos/d.jpg,y",
        "lake/c.jpg,z",
        "old/d.jpg,z",
    )
    library.write("l.csv", table(*(row.replace("\\\\", "\\") for row in rows)))
    plan = library.plan(session, "l.csv")
    assert library.labelled(session, plan) == {"sea/b.jpg": "x", "d.jpg": "y"}
    assert [p.where for p in plan.problems] == ["line 4", "line 5"]
    assert "in another folder" in plan.problems[0].why


def test_doubles_are_harmless_with_one_label_and_left_with_several(library: Library) -> None:
    session = library.project()
    rows = ("sea/a.jpg,x", "sea/b.jpg,x", "./sea/a.jpg,X", "sea/b.jpg,y", "d.jpg,", ",x", "  ,")
    library.write("l.csv", table(*rows))
    plan = library.plan(session, "l.csv")
    assert library.labelled(session, plan) == {"sea/a.jpg": "x"}
    said = {p.where: p for p in plan.problems}
    assert said["line 4"].is_harmless
    assert "(line 2), with the same label" in said["line 4"].why
    assert "'x' (line 3), 'y' (line 5)" in said["line 3"].why
    assert said["line 3"].why == said["line 5"].why
    assert said["line 6"].why == "There is no label."
    assert said["line 7"].why == "There is no path."
    assert plan.n_lost == 4
    assert list(said) == [f"line {number}" for number in range(3, 8)]
    assert plan.notes == ("'x' and 'X' are taken for one name: 'x'.",)
    assert found_text(plan) == "1 of 5 images has a label: 1 by path."


def test_labels_that_cannot_be_names_are_said_and_unassigned_is_none(library: Library) -> None:
    session = library.project()
    rows = (
        f"sea/a.jpg,{'x' * 201}",
        "sea/b.jpg,\u200e\u200b",
        "sky/a.jpg,-1",
        "sky/c.jpg,unassigned",
    )
    library.write("l.csv", table(*rows, "d.jpg,'=1+1"))
    plan = library.plan(session, "l.csv")
    assert library.labelled(session, plan) == {
        "sky/a.jpg": "Unassigned",
        "sky/c.jpg": "Unassigned",
        "d.jpg": "=1+1",
    }
    assert "200 are the most" in plan.problems[0].why


def test_equal_pictures_share_a_label_that_all_of_their_entries_have(library: Library) -> None:
    for name in ("new/1.jpg", "new/2.jpg", "old/p/1.jpg", "old/q/1.jpg"):
        library.add(name, "the same", root="twins" if "new" in name else "")
    session = library.project("twins")
    library.write("same.csv", table("old/p/1.jpg,x", "old/q/1.jpg,x"))
    plan = library.plan(session, "same.csv")
    assert library.labelled(session, plan) == {"new/1.jpg": "x"}, "the name tells which one it is"
    library.write("old/p/9.jpg", "the same")
    library.write("old/q/9.jpg", "the same")
    library.write("same.csv", table("old/p/9.jpg,x", "old/q/9.jpg,x"))
    plan = library.plan(session, "same.csv")
    assert library.labelled(session, plan) == {"new/1.jpg": "x", "new/2.jpg": "x"}
    library.write("not.csv", table("old/p/9.jpg,x", "old/q/9.jpg,y"))
    plan = library.plan(session, "not.csv")
    assert library.labelled(session, plan) == {}
    assert plan.n_lost == 2


def test_raw_and_jpeg_of_a_pair_are_one_image(library: Library) -> None:
    library.add("pair/p.jpg")
    library.add("pair/p.cr2")
    session = library.project()
    library.write("l.csv", table("pair/p.jpg,x", "pair/p.cr2,x"))
    plan = library.plan(session, "l.csv")
    assert list(library.labelled(session, plan).values()) == ["x"]
    assert plan.problems == ()
    library.write("l.csv", table("pair/p.jpg,x", "pair/p.cr2,y"))
    assert library.plan(session, "l.csv").n_lost == 2


def test_several_roots_are_told_apart_by_their_names(library: Library) -> None:
    library.add("sea/a.jpg", "other", root="more")
    session = library.project("photos", "more")
    library.write("l.csv", table("photos/sea/a.jpg,x", "more/sea/a.jpg,y", "sea/b.jpg,z"))
    plan = library.plan(session, "l.csv")
    assert len(plan.labels.images) == 3
    library.write("l.csv", table("sea/a.jpg,x"))
    assert "It may mean" in library.plan(session, "l.csv").problems[0].why


def test_folders_and_their_depth(library: Library) -> None:
    library.add("sky/high/e.jpg")
    session = library.project()
    plan = library.plan(session, "folders")
    assert library.labelled(session, plan)["sky/high/e.jpg"] == "sky/high"
    assert [str(p) for p in plan.problems] == ["d.jpg: It lies in no folder below the root."]
    session.new_cluster([], "sky/low")
    session.new_cluster([], "sea: calm")
    (library.folder / "photos/sea").rename(library.folder / "photos/sea_ calm")
    moved = library.project()
    moved.new_cluster([], "sea: calm")
    again = library.labelled(moved, library.plan(moved, "folders"))
    assert again["sea_ calm/a.jpg"] == "sea: calm", "the cluster that such a folder is for"
    first = library.plan(session, "folders", levels=1)
    assert library.labelled(session, first)["sky/high/e.jpg"] == "sky"


def test_sorted_copies_and_lists_bring_back_names_that_no_folder_can_have(
    library: Library,
) -> None:
    session = library.project()
    session.new_cluster([0], "sea: calm?")
    shutil.copytree(library.folder / "photos", library.folder / "sorted/sea_ calm_")
    (library.folder / "sorted/sea_ calm_/sky").rename(library.folder / "sorted/Unassigned")
    library.write("sorted/.hidden/a.jpg", "hidden")
    library.write("sorted/x.jpg", "not in the project")
    plan = library.plan(session, "sorted")
    labels = library.labelled(session, plan)
    assert labels["sky/a.jpg"] == "Unassigned"
    assert labels["sea/a.jpg"] == "sea_ calm_/sea"
    assert labels["d.jpg"] == "sea: calm?", "the name of the cluster that such a folder is for"
    assert [p.what for p in plan.problems] == ["x.jpg"]
    library.write("lists/sea_ calm_.txt", "sea/a.jpg\nsky/a.jpg\n")
    library.write("lists/Möwen.txt", "sea/b.jpg\nnone.jpg\n")
    plan = library.plan(session, "lists")
    assert library.labelled(session, plan) == {
        "sea/a.jpg": "sea: calm?",
        "sky/a.jpg": "sea: calm?",
        "sea/b.jpg": "Möwen",
    }
    assert plan.problems[0].where == "Möwen.txt line 2"
    session.new_cluster([], "sea? calm:")
    labels = library.labelled(session, library.plan(session, "lists"))
    assert labels["sky/a.jpg"] == "sea_ calm_", "one of two clusters is not guessed"


@pytest.mark.skipif(sys.platform != "linux", reason="names that are no UTF-8 exist on Linux only")
def test_names_that_are_no_utf_8_are_found_as_our_tables_write_them(library: Library) -> None:
    library.add(b"odd/\xff.jpg", "odd")
    library.add("odd/line\nbreak.jpg", "break")
    session = library.project()
    library.write("l.csv", table('"odd/\\xff.jpg",x', '"odd/line\nbreak.jpg",y'))
    plan = library.plan(session, "l.csv")
    assert sorted(library.labelled(session, plan).values()) == ["x", "y"]
    library.write("z.txt", "odd/line\\nbreak.jpg\n")
    assert len(library.plan(session, "z.txt").labels.images) == 1
    shutil.copytree(library.folder / "photos", library.folder / "old")
    shutil.rmtree(library.folder / "photos/odd")
    (library.folder / "photos/even.jpg").write_text("odd")
    moved = library.project()
    library.write("l.csv", table('"odd/\\xff.jpg",x'))
    plan = library.plan(moved, "l.csv", base=library.folder / "old")
    assert library.labelled(moved, plan) == {"even.jpg": "x"}


def test_labels_become_clusters_in_one_step_without_any_run(library: Library) -> None:
    session = library.project()
    library.write("l.csv", table("sea/a.jpg,x", "sea/b.jpg,x", "d.jpg,y"))
    plan = library.plan(session, "l.csv")
    assert names_text(plan, session.clustering, 9) == "2 clusters, all new: 'x', 'y'."
    assert apply_import(session, plan)
    assert library.clusters(session) == {
        "sea/a.jpg": "x",
        "sea/b.jpg": "x",
        "d.jpg": "y",
        "sky/a.jpg": "Unassigned",
        "sky/c.jpg": "Unassigned",
    }
    assert session.history.steps[-1].kind is EditKind.IMPORT
    assert not apply_import(session, library.plan(session, "l.csv"))
    session.undo()
    assert set(library.clusters(session).values()) == {"Unassigned"}
    session.redo()
    path = session.path
    session.close()
    again = open_project(path)
    assert library.clusters(again)["d.jpg"] == "y"
    again.close()


def test_pinned_clusters_keep_labels_out_and_say_so(library: Library) -> None:
    session = library.project()
    session.new_cluster([0, 1], "fixed")
    row = session.clustering.clusters[1]
    session.apply(marks.set_mark(session.clustering, [row], marks.Mark.PINNED, wanted=True))
    names = [os.fsdecode(record.relative) for record in session.images]
    library.write("l.csv", table(f"{names[0]},x", f"{names[2]},fixed", f"{names[3]},x"))
    plan = library.plan(session, "l.csv")
    _, held = cluster_import(plan, session.clustering)
    assert [str(p) for p in held] == [
        f"line 2: {names[0]}: It stays in 'fixed', which is pinned.",
        f"line 3: {names[2]}: The cluster of its label is pinned.",
    ]
    assert apply_import(session, plan, others_unassigned=True)
    assert [library.clusters(session)[name] for name in names[:4]] == [
        "fixed",
        "fixed",
        "Unassigned",
        "x",
    ]


def test_truth_is_kept_and_compared_with(library: Library) -> None:
    session = library.project()
    for row, why in (("none.jpg,x", "Nothing could be"), ("d.jpg,-1", "All of its labels are")):
        library.write("l.csv", table(row))
        plan = library.plan(session, "l.csv")
        with pytest.raises(InputError, match=why):
            keep_truth(session, plan)
    library.write("l.csv", table("sea/a.jpg,x", "sea/b.jpg,x", "sky/a.jpg,y", "d.jpg,-1"))
    seen: list[int] = []
    session.subscribe(lambda change: seen.append(change.revision))
    keep_truth(session, library.plan(session, "l.csv"))
    assert len(seen) == 1
    assert session.history.steps == ()
    assert session.history.markers[0].title == "import true classes of 3 images from 'l.csv'"
    truth = session.truth()
    assert truth is not None
    classes = true_classes(truth, session.images)
    assert sorted(classes) == ["", "", "x", "x", "y"]
    values = evaluate_truth(session.clustering, classes)
    assert (values["images"], values["unassigned"], values["accuracy"]) == (3, 3, 0.0)
    apply_import(session, library.plan(session, "l.csv"))
    values = evaluate_truth(session.clustering, classes)
    assert (values["accuracy"], values["nmi"], values["ari"]) == (1.0, 1.0, 1.0)
    assert values["confusion"] == {
        "rows": ["x", "y"],
        "columns": ["x", "y"],
        "counts": [[2, 0], [0, 1]],
    }
    session.set_truth(None)
    assert session.truth() is None
    with pytest.raises(InputError, match="No image has a true class"):
        evaluate_truth(session.clustering, [""] * 5)


def test_a_project_that_is_read_only_takes_nothing(library: Library) -> None:
    session = library.project()
    path = session.path
    library.write("l.csv", table("d.jpg,y"))
    reader = open_project(path, read_only=True)
    plan = library.plan(reader, "l.csv")
    for act in (lambda: apply_import(reader, plan), lambda: keep_truth(reader, plan)):
        with pytest.raises(StorageError):
            act()
    reader.close()


def test_an_empty_project_says_that_nothing_fits(library: Library) -> None:
    (library.folder / "none").mkdir()
    session = library.project("none")
    library.write("l.csv", table("d.jpg,y"))
    for source in ("l.csv", "folders", "xmp"):
        plan = library.plan(session, source)
        with pytest.raises(InputError, match="Nothing could be imported"):
            plan.check()
        assert found_text(plan) == "None of 0 images has a label."


def test_cancel_leaves_everything_as_it_is(library: Library) -> None:
    session = library.project()
    library.write("l.csv", table("d.jpg,y"))
    token = CancelToken()
    token.cancel()
    for kind in SourceKind:
        request = ImportRequest(kind, library.folder / "l.csv")
        if kind is not SourceKind.FOLDERS:
            with pytest.raises(Cancelled):
                plan_import(request, snapshot_of(session), ignore_events, token)


def test_problems_are_written_as_a_table_that_is_no_formula(library: Library) -> None:
    session = library.project()
    library.write("l.csv", table("=cmd|1.jpg,y", "d.jpg,y", "d.jpg,y"))
    plan = library.plan(session, "l.csv")
    place = library.folder / "problems.csv"
    write_problems(place, plan.problems)
    assert place.read_text().splitlines() == [
        "where,what,why,taken",
        "line 2,'=cmd|1.jpg,There is no such image in the project.,no",
        'line 4,d.jpg,"The image was named before (line 3), with the same label.",yes',
    ]
    with pytest.raises(InputError, match="an image"):
        write_problems(library.folder / "photos/d.jpg", plan.problems)


def test_clusters_of_a_hundred_thousand_images_are_made_at_once() -> None:
    from dclust_gui.domain.clustering import Clustering
    from dclust_gui.domain.imports import ImageLabels, import_clusters

    n = 100_000
    state = Clustering(np.full(n, 1), np.zeros(n, np.uint8), {1: Cluster(1)}, 2)
    names = tuple(f"class {i}" for i in range(500))
    codes = (np.arange(n) % 500).astype(np.int32)
    found = import_clusters(state, ImageLabels(np.arange(n, dtype=np.int32), codes, names, "x"))
    assert len(found.created) == 500
    assert len(found.edit.images) == n
