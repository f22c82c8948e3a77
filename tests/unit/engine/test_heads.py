"""The head stage: settings, progress and curve, cancel, early end, what is told and kept."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from dclust_gui.algorithms.registry import head, heads
from dclust_gui.domain import tree
from dclust_gui.domain.control import Cancelled, CancelToken, ignore_events
from dclust_gui.domain.errors import ClusteringError, InputError, StorageError
from dclust_gui.domain.events import Event, Notice, Stage, StageProgressed, TrainingProgressed
from dclust_gui.domain.runs import RunSettings
from dclust_gui.engine.grouping import group_rows, resolve
from dclust_gui.engine.heads import TrainingPlace, predict_labels, soft_confidence
from dclust_gui.storage.model_files import ModelFiles

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dclust_gui.engine.requests import ClusterResult

NAMES = [head.name for head in heads()]
BRIEF = {
    "head.pretrain_epochs": "8",
    "head.epochs": "8",
    "head.code_size": "3",
    "head.steps": "60",
}
CPU = TrainingPlace("cpu")


def blobs(n_each: int = 24, n_groups: int = 3, width: int = 16) -> NDArray[np.float16]:
    """Separate groups of rows, mixed."""
    random = np.random.default_rng(0)
    centres = random.normal(size=(n_groups, width)) * 3
    rows = np.concatenate([random.normal(c, 0.3, (n_each, width)) for c in centres])
    return random.permutation(rows).astype(np.float16)


def settings(name: str, **changes: object) -> RunSettings:
    """A short training of a head."""
    known = {f"head.{p.name}" for p in head(name).parameters}
    brief = {n: v for n, v in BRIEF.items() if n in known}
    wanted = RunSettings(head=name, algorithm="auto", reduce="auto", k=3, parameters=brief)
    return resolve(replace(wanted, **changes))  # type: ignore[arg-type]


def group(
    wanted: RunSettings, token: CancelToken | None = None, place: TrainingPlace = CPU
) -> tuple[list[Event], ClusterResult]:
    """Cluster the blobs; what was told, and the result."""
    events: list[Event] = []
    token = token or CancelToken()
    return events, group_rows(blobs(), wanted, events.append, token, None, place)


# -- settings ------------------------------------------------------------------------------------


def test_a_head_that_groups_by_itself_is_left_to_it() -> None:
    resolved = settings("dec")
    assert (resolved.algorithm, resolved.reduce) == ("auto", "none")
    assert settings("dec", algorithm="gmm", parameters={}).algorithm == "gmm"
    assert settings("ae").algorithm == "kmeans"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"head": "magic"}, "none, ae, n2d, dec, idec, dcn, vade"),
        ({"parameters": {"head.magic": "1"}}, "update_interval"),
        ({"parameters": {"head.epochs": "many"}}, "whole number"),
        ({"parameters": {"n_init": "3"}}, "no such parameter"),
        ({"parameters": {"tol": "0.5"}}, "named head.tol"),
        ({"head": "none"}, "has no head"),
        ({"metric": "cosine"}, "--metric cosine"),
    ],
)
def test_wrong_head_settings_are_refused_before_any_work(
    changes: dict[str, object], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        settings("dec", **changes)


# -- training ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in NAMES if not head(name).finds_noise])
def test_every_head_finds_clear_groups(name: str, tmp_path: Path) -> None:
    place = TrainingPlace("cpu", ModelFiles(tmp_path / "models"), "blobs", "ff")
    events, result = group(settings(name), place=place)
    assert np.bincount(result.labels).tolist() == [24, 24, 24]
    assert tree.check_tree(result.tree) == 72
    assert (
        len(set(zip(result.labels.tolist(), tree.cut(result.tree, 3).tolist(), strict=True))) == 3
    )
    assert 0 <= result.confidence.min() <= result.confidence.max() <= 1
    assert result.space.startswith(f"{name} (")
    facts = result.head
    assert facts is not None
    assert (facts.name, facts.n_clusters, facts.collapsed) == (name, 3, False)
    assert facts.start_agreement == 1.0
    assert facts.quality_end > 0.5
    assert result.timings["head"] > 0
    ends = [e for e in events if isinstance(e, StageProgressed) and e.stage is Stage.HEAD]
    assert ends[-1].done == ends[-1].total
    assert sum(e.done == e.total for e in ends) == 1
    if name != "ae":
        found = predict_labels(place.models, Path(facts.model), blobs())  # type: ignore[arg-type]
        assert found.tolist() == result.labels.tolist()


def test_dcat_keeps_its_errors_and_leaves_out_what_it_cannot_restore(tmp_path: Path) -> None:
    place = TrainingPlace("cpu", ModelFiles(tmp_path / "models"), "blobs", "ff")
    _, result = group(settings("dcat"), place=place)
    facts = result.head
    assert facts is not None
    assert result.errors is not None
    assert facts.n_clusters == len(set(result.labels[result.labels >= 0].tolist())) <= 3
    assert ((result.errors > facts.threshold) == (result.labels < 0)).all()
    assert not result.confidence[result.labels < 0].any()
    assert tree.check_tree(result.tree) == 72
    found = predict_labels(place.models, Path(facts.model), blobs())  # type: ignore[arg-type]
    assert found.tolist() == result.labels.tolist()


def test_dcat_without_a_number_finds_its_own() -> None:
    _, result = group(settings("dcat", k=0))
    assert result.k_candidates == ()
    assert result.labels.max() >= 0


def test_curve_has_losses_changes_and_quality_and_never_goes_back() -> None:
    events, _ = group(settings("dec"))
    points = [e for e in events if isinstance(e, TrainingProgressed)]
    assert {p.head for p in points} == {"dec"}
    assert any(p.phase == "clustering" and p.losses for p in points)
    assert any(p.label_change is not None for p in points)
    assert any(p.quality is not None and p.quality > 0.5 for p in points)
    shares = [p.done for p in points]
    assert shares == sorted(shares)


def test_same_seed_gives_the_same_bytes() -> None:
    first, second = (group(settings("idec"))[1] for _ in range(2))
    assert first.labels.tobytes() == second.labels.tobytes()
    assert first.confidence.tobytes() == second.confidence.tobytes()
    assert first.tree.tobytes() == second.tree.tobytes()


def test_a_named_method_groups_the_codes() -> None:
    _, result = group(settings("dec", algorithm="agglomerative"))
    assert np.bincount(result.labels).tolist() == [24, 24, 24]
    assert result.head is not None
    assert result.head.model == ""


def test_the_number_of_clusters_is_that_of_the_features() -> None:
    _, result = group(settings("dec", k=0))
    assert result.head is not None
    assert result.head.n_clusters == int(result.labels.max()) + 1 == 3
    assert result.k_candidates


def test_cancel_ends_the_training_within_a_step() -> None:
    class Stopping(CancelToken):
        """Is cancelled at the thirtieth look, in the middle of the training."""

        looks = 0

        def checkpoint(self) -> None:
            self.looks += 1
            if self.looks == 30:
                self.cancel()
            super().checkpoint()

    token = Stopping()
    endless = {"head.code_size": "3", "head.pretrain_epochs": "100000"}
    with pytest.raises(Cancelled):
        group(settings("dec", parameters=endless), token)
    assert token.looks == 30


def test_an_early_end_keeps_the_best_so_far() -> None:
    token = CancelToken()
    events: list[Event] = []

    def stop_when_clustering(event: Event) -> None:
        events.append(event)
        if isinstance(event, TrainingProgressed) and event.phase == "clustering":
            token.end_early()

    wanted = settings(
        "dec", parameters={"head.pretrain_epochs": "8", "head.epochs": "100000", "head.tol": "0"}
    )
    result = group_rows(blobs(), wanted, stop_when_clustering, token, None, CPU)
    assert np.bincount(result.labels).tolist() == [24, 24, 24]
    assert result.head is not None
    assert result.head.stopped_early
    assert not token.is_cancelled
    assert any(isinstance(e, Notice) and "early" in e.text for e in events)


def test_too_few_images_are_told() -> None:
    with pytest.raises(ClusteringError, match="DEC cannot learn from 6 images"):
        group_rows(blobs(2), settings("dec"), ignore_events, CancelToken(), None, CPU)


# -- parts ---------------------------------------------------------------------------------------


def test_confidence_compares_the_own_with_the_next_membership() -> None:
    soft = np.array([[0.8, 0.2], [0.5, 0.5], [1.0, 0.0], [0.3, 0.7]], np.float32)
    found = soft_confidence(soft, np.array([0, 1, 0, 0], np.int32))
    np.testing.assert_allclose(found, [0.75, 0.0, 1.0, 0.0], atol=1e-6)
    np.testing.assert_allclose(soft_confidence(np.ones((2, 1)), np.zeros(2, np.int32)), [1, 1])


def test_models_are_kept_up_to_a_size(tmp_path: Path) -> None:
    def save(path: Path) -> None:
        path.write_bytes(bytes(100))

    files = ModelFiles(tmp_path, limit_bytes=250)
    paths = [files.put(f"{n}", save, {"n": n}) for n in range(4)]
    assert [path.exists() for path in paths] == [False, False, True, True]
    assert files.facts(paths[3]) == {"n": 3}
    paths[3].with_suffix(".json").write_text("[]")
    with pytest.raises(StorageError, match="damaged"):
        files.facts(paths[3])


# -- new images ----------------------------------------------------------------------------------


def test_a_kept_head_refuses_other_features_and_damaged_facts(tmp_path: Path) -> None:
    models = ModelFiles(tmp_path)
    wanted = settings("dec")
    _, result = group(wanted, place=TrainingPlace("cpu", models, "rows", "net"))
    assert result.head is not None
    path = Path(result.head.model)
    assert np.array_equal(predict_labels(models, path, blobs(), "net"), result.labels)
    with pytest.raises(ClusteringError, match="another backbone"):
        predict_labels(models, path, blobs(), "other net")
    with pytest.raises(ClusteringError, match="takes 16 features of an image, not 5"):
        predict_labels(models, path, blobs()[:, :5])
    facts = models.facts(path)
    for changed in (
        {**facts, "scale": None},
        {**facts, "scale": {"how": "nonsense", "offset": [], "factor": []}},
        {**facts, "clusters": "many"},
        {**facts, "clusters": [0] * 50},
    ):
        path.with_suffix(".json").write_text(json.dumps(changed))
        with pytest.raises(StorageError, match="damaged"):
            predict_labels(models, path, blobs())


def test_a_head_that_does_not_tell_the_runs_clusters_apart_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dclust_gui.engine.heads.LEAST_OWN_SHARE", 1.1)
    place = TrainingPlace("cpu", ModelFiles(tmp_path), "rows", "net")
    _, result = group(settings("n2d"), place=place)
    assert result.head is not None
    assert result.head.model == ""
    assert not list(tmp_path.iterdir())
