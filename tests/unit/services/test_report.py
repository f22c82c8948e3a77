"""The report of a run as values and as JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from dclust_gui.domain.control import CancelToken, ignore_events
from dclust_gui.domain.runs import RunSettings
from dclust_gui.engine.requests import RunRequest
from dclust_gui.services.report import report_text, report_values

if TYPE_CHECKING:
    from pathlib import Path

    from dclust_gui.engine.requests import RunResult
    from dclust_gui.services.workspace import Workspace


def result_of(workspace: Workspace, photos: Path) -> RunResult:
    """A run."""
    request = RunRequest((photos,), RunSettings(k=3))
    return workspace.engine.run(request, ignore_events, CancelToken())


def test_images_are_counted_as_rows_of_the_labels_table(workspace: Workspace, photos: Path) -> None:
    (photos / "class 0" / "image-01.nef").write_bytes(b"raw of a pair")
    (photos / "lone.nef").write_bytes(b"broken")
    values = report_values(result_of(workspace, photos))
    assert (values["images"], values["unreadable"], values["unassigned"]) == (14, 1, 0)
    assert values["rates"] != {"images_per_s": 0.0}


def test_undefined_numbers_are_null(workspace: Workspace, photos: Path) -> None:
    result = result_of(workspace, photos)
    clusters = replace(result.clusters, k_candidates=((2, float("nan")), (3, 0.25)))
    text = report_text(replace(result, clusters=clusters), {"accuracy": float("nan"), "f1": 0.5})
    found = json.loads(text)
    assert found["k_candidates"] == [{"k": 2, "silhouette": None}, {"k": 3, "silhouette": 0.25}]
    assert found["external"] == {"accuracy": None, "f1": 0.5}
    assert "NaN" not in text


def test_external_measures_only_with_a_truth(workspace: Workspace, photos: Path) -> None:
    assert "external" not in report_values(result_of(workspace, photos))
