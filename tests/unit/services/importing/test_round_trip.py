"""What one project exports another takes over: the same clusters, whatever they are called."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dclust_gui.domain.clustering import Cluster, Clustering
from dclust_gui.domain.control import CancelToken, ignore_events
from dclust_gui.domain.edits import apply
from dclust_gui.domain.images import FileStamp, ImageFacts, ImageRecord, ImageStatus
from dclust_gui.domain.imports import is_unassigned, label_problem
from dclust_gui.domain.names import same_name, title_number
from dclust_gui.services.export_names import folded, safe_folder_name
from dclust_gui.services.formats.coco import coco_json
from dclust_gui.services.formats.images import labelled_images
from dclust_gui.services.formats.tables import labels_json, path_lists
from dclust_gui.services.importing.plan import cluster_import, plan_import
from dclust_gui.services.importing.values import ImportRequest, SourceKind
from dclust_gui.services.labels_table import label_rows, labels_text
from dclust_gui.services.snapshot import Snapshot
from dclust_gui.services.xmp.sidecars import SidecarNames, write_sidecars
from dclust_gui.storage.verified_copy import content_hash

if TYPE_CHECKING:
    from tests.unit.services.importing.conftest import Library

SAMPLES = Path(__file__).parents[4] / ".." / "shared" / "data" / "clothing10"
N_FILES = 6


def is_usable(name: str) -> bool:
    """Whether a person can call a cluster so."""
    return bool(same_name(name)) and not (
        label_problem(name) or is_unassigned(name) or title_number(name) is not None
    )


names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=14) | st.text(
    "=+-@'\"/\\|,;\t:.aA é", min_size=1, max_size=6
)
several = st.lists(names.filter(is_usable), min_size=1, max_size=4, unique_by=same_name)
places = st.lists(st.integers(-1, 3), min_size=N_FILES, max_size=N_FILES)
quick = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`before/` with six files, and `after/` with the same under other names."""
    place = tmp_path_factory.mktemp("round")
    for number in range(N_FILES):
        for name in (f"before/sub/=a,{number};'.jpg", f"after/{N_FILES - number}/b.jpg"):
            path = place / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"content {number}")
    return place


def snapshot_of(root: Path, clustering: Clustering | None = None) -> Snapshot:
    """A project of the files below a folder."""
    found = sorted(path for path in root.rglob("*.jpg"))
    records = tuple(
        ImageRecord(
            0,
            os.fsencode(path.relative_to(root).as_posix()),
            FileStamp(path.stat().st_size, 0),
            content_hash(path),
            ImageFacts(ImageStatus.OK, width=4, height=3),
        )
        for path in found
    )
    state = clustering or Clustering.empty(len(records))
    return Snapshot(records, (root,), state, None, np.full(len(records), np.nan, np.float32))


def clustered(called: list[str], at: list[int]) -> Clustering:
    """Clusters of some names, with images at some of them."""
    table = {i: Cluster(i, " ".join(name.split())) for i, name in enumerate(called, 1)}
    from dclust_gui.domain.names import clean_name

    table = {i: replace(row, name=clean_name(row.name)) for i, row in table.items()}
    labels = np.array([i + 1 if 0 <= i < len(called) else -1 for i in at], np.int32)
    return Clustering(labels, np.zeros(len(at), np.uint8), table, len(called) + 1)


def groups(snapshot: Snapshot) -> dict[bytes, str]:
    """Title of the cluster by content."""
    titles = {key: row.title for key, row in snapshot.clustering.clusters.items()}
    labels = snapshot.clustering.labels.tolist()
    return {
        record.content: titles.get(label, "")
        for record, label in zip(snapshot.images, labels, strict=True)
    }


def imported(into: Snapshot, request: ImportRequest) -> Snapshot:
    """A project after an import."""
    plan = plan_import(request, into, ignore_events, CancelToken())
    found, _ = cluster_import(plan, into.clustering)
    return replace(into, clustering=apply(into.clustering, found.edit))


def request_of(path: Path, base: Path | None = None) -> ImportRequest:
    return ImportRequest(SourceKind.FILE, path, base=base)


@quick
@given(several, places)
def test_tables_keep_clusters_and_names(folder: Path, called: list[str], at: list[int]) -> None:
    before = snapshot_of(folder / "before", clustered(called, at))
    rows = label_rows(before.images, before.roots, before.clustering, before.confidence)
    (folder / "labels.csv").write_text(labels_text(rows), encoding="utf-8")
    for root, base in ((folder / "before", None), (folder / "after", folder / "before")):
        after = imported(snapshot_of(root), request_of(folder / "labels.csv", base))
        assert groups(after) == groups(before)


@quick
@given(several, places)
def test_json_and_coco_know_renamed_files(folder: Path, called: list[str], at: list[int]) -> None:
    before = snapshot_of(folder / "before", clustered(called, at))
    images = labelled_images(before)
    (folder / "labels.json").write_text(labels_json(images), encoding="utf-8")
    (folder / "coco.json").write_text(coco_json(images, "x", "2026-01-01"), encoding="utf-8")
    for name in ("labels.json", "coco.json"):
        after = imported(snapshot_of(folder / "after"), request_of(folder / name))
        assert groups(after) == groups(before)


@quick
@given(several, places)
def test_lists_keep_the_groups(folder: Path, called: list[str], at: list[int]) -> None:
    before = snapshot_of(folder / "before", clustered(called, at))
    place = folder / "lists"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    for name, text in path_lists(labelled_images(before)).items():
        (place / name).write_text(text, encoding="utf-8")
    after = imported(snapshot_of(folder / "before"), request_of(place))
    assert partition(after) == partition(before)
    titles = [row.title for row in before.clustering.clusters.values()]
    if len({folded(safe_folder_name(title)) for title in titles}) < len(titles):
        return  # which is meant cannot be told from the name of a file
    same = imported(before, request_of(place))
    assert groups(same) == groups(before), "the project's own names are known again"


def partition(snapshot: Snapshot) -> set[frozenset[bytes]]:
    """The groups of pictures, whatever they are called; Unassigned is one."""
    found: dict[str, set[bytes]] = {}
    for content, title in groups(snapshot).items():
        found.setdefault(title, set()).add(content)
    return {frozenset(group) for group in found.values()}


def levels(name: str) -> str:
    return same_name("/".join(part.strip() for part in name.split("/") if part.strip()))


@quick
@given(
    st.lists(names.filter(is_usable).filter(levels), min_size=1, max_size=4, unique_by=levels),
    places,
    st.sampled_from(SidecarNames),
)
def test_sidecars_keep_the_groups(
    folder: Path, called: list[str], at: list[int], rule: SidecarNames
) -> None:
    before = snapshot_of(folder / "before", clustered(called, at))
    for old in (folder / "before").rglob("*.xmp*"):
        old.unlink()
    result = write_sidecars(
        labelled_images(before), before.roots, before.roots[0], rule, CancelToken()
    )
    assert result.left == ()
    after = imported(snapshot_of(folder / "before"), ImportRequest(SourceKind.XMP))
    assert partition(after) == partition(before)


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the sample data is not beside the checkout")
def test_real_photos_that_were_moved_and_renamed(library: Library) -> None:
    folders = sorted(path for path in SAMPLES.iterdir() if path.is_dir())
    photos, moved = library.folder / "photos", library.folder / "moved"
    for number, folder in enumerate(folders):
        for place, path in enumerate(sorted(folder.iterdir())[:4]):
            (photos / folder.name).mkdir(parents=True, exist_ok=True)
            shutil.copy(path, photos / folder.name / path.name)
            (moved / str(place)).mkdir(parents=True, exist_ok=True)
            shutil.copy(path, moved / str(place) / f"{number}.jpg")
    before = snapshot_of(photos)
    before = imported(before, ImportRequest(SourceKind.FOLDERS))
    assert len(before.clustering.clusters) == len(folders)
    rows = label_rows(before.images, before.roots, before.clustering, before.confidence)
    library.write("labels.csv", labels_text(rows))
    library.write("labels.json", labels_json(labelled_images(before)))
    for request in (
        request_of(library.folder / "labels.csv", photos),
        request_of(library.folder / "labels.json"),
        request_of(photos),
    ):
        assert groups(imported(snapshot_of(moved), request)) == groups(before)
