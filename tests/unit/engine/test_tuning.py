"""A backbone trained on images from files: plan, estimate, the run, what is kept, and refusals."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from dclust_gui.domain.control import Cancelled, CancelToken
from dclust_gui.domain.errors import ClusteringError, InputError, StorageError
from dclust_gui.domain.events import Event, Notice, TrainingProgressed
from dclust_gui.domain.runs import RunSettings
from dclust_gui.engine.pipeline import Engine
from dclust_gui.engine.requests import RunRequest, RunResult
from dclust_gui.engine.tuning_plan import (
    MeasuredTimes,
    PlaceForViews,
    TuningEstimate,
    TuningPlan,
    TuningWishes,
    check_finetune,
    estimate_seconds,
    plan_tuning,
)
from dclust_gui.features.backbones import list_backbones
from dclust_gui.features.tuned import find_tuned, list_tuned, remove_tuned
from dclust_gui.services.report import report_values
from dclust_gui.storage.model_files import ModelFiles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from dclust_gui.storage.stores import Stores

SIDE = 64
ROOMY = PlaceForViews(1 << 30, 1 << 30, is_cpu=True)
SETTINGS = RunSettings(
    backbone="test_efficientnet",
    algorithm="auto",
    reduce="auto",
    k=3,
    finetune="dec",
    parameters={"finetune.epochs": "2", "finetune.batch_size": "8"},
)


# -- the plan ------------------------------------------------------------------------------------


def wishes(**parameters: object) -> TuningWishes:
    """What a run asks for."""
    texts = {f"finetune.{name}": str(value) for name, value in parameters.items()}
    return TuningWishes.of(RunSettings(finetune="dec", parameters=texts))


def test_a_processor_keeps_views_and_a_card_draws_new_ones() -> None:
    assert plan_tuning(wishes(), 1000, 20_000, 196_608, ROOMY).views == 4
    on_card = replace(ROOMY, is_cpu=False)
    assert plan_tuning(wishes(), 1000, 20_000, 196_608, on_card).views == 0
    assert plan_tuning(wishes(), 1000, 20_000, 196_608, ROOMY, is_cut=False).views == 0
    assert plan_tuning(wishes(views=3), 1000, 20_000, 196_608, on_card).views == 3


def test_small_collections_get_more_passes_and_large_ones_a_sample() -> None:
    few = plan_tuning(wishes(), 60, 20_000, 196_608, ROOMY)
    many = plan_tuning(wishes(), 300_000, 1_000, 1_000, ROOMY)
    assert (few.epochs, few.n_images) == (20, 60)
    assert (many.epochs, many.n_images) == (2, 20_000)
    assert plan_tuning(wishes(epochs=7), 60, 1, 1, ROOMY).epochs == 7


def test_little_memory_means_a_file_then_fewer_views_then_fewer_images() -> None:
    disk = PlaceForViews(1_000, 10_000_000, is_cpu=True)
    assert plan_tuning(wishes(), 100, 10_000, 90_000, disk).is_on_disk
    less = plan_tuning(wishes(), 300, 10_000, 90_000, disk)
    assert (less.views, less.n_images) == (2, 300)
    least = plan_tuning(wishes(), 3000, 10_000, 90_000, disk)
    assert (least.views, least.n_images) == (2, 333)
    with pytest.raises(InputError, match="too little room"):
        plan_tuning(wishes(), 100, 10_000, 90_000, PlaceForViews(1_000, 1_000, is_cpu=True))


def test_the_estimate_adds_up_what_was_measured() -> None:
    plan = TuningPlan(100, 3, 32, 4, is_on_disk=False)
    times = MeasuredTimes(decoded=1.0, embedded=0.1, trained=0.5, looked_at=0.2)
    seconds = estimate_seconds(plan, times, 200)
    assert seconds == pytest.approx(100 * 1.5 + 300 * 0.5 + 500 * 0.2 + 200 * 1.3)
    text = TuningEstimate(plan, 7 * 60, "CPU (test)", is_cpu=True).text
    assert "about 7 min (100 images, 12 steps) on CPU (test)" in text
    assert "graphics card" in text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"finetune": "magic"}, "none, dec, dcn"),
        ({"parameters": {"finetune.magic": "1"}}, "learning_rate"),
        ({"parameters": {"finetune.views": "1"}}, "2 or more"),
        ({"parameters": {"finetune.epochs": "0"}}, "from 1"),
        ({"finetune": "none", "parameters": {"finetune.epochs": "2"}}, "does not fine-tune"),
    ],
)
def test_wrong_settings_are_refused_before_any_work(changes: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        check_finetune(replace(SETTINGS, **changes))  # type: ignore[arg-type]


# -- the run -------------------------------------------------------------------------------------


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A folder of weights with a tiny network."""
    import torch

    from dclust_gui.features.memory import ModelFacts
    from dclust_gui.features.network import create
    from dclust_gui.features.weights import write_weights

    folder = tmp_path / "weights"
    folder.mkdir()
    torch.manual_seed(0)
    grey = (0.5, 0.5, 0.5)
    facts = ModelFacts("test_efficientnet", (SIDE, SIDE), 0.875, grey, grey, "bicubic", 256, "MIT")
    model = create("test_efficientnet", 0)
    write_weights(model, facts, folder / "test_efficientnet.safetensors")
    return folder


@pytest.fixture
def tuning_engine(stores: Stores, weights: Path) -> Iterator[Engine]:
    """An engine with a real, tiny network."""
    made = Engine(stores, weights_dir=weights, threads=2)
    yield made
    made.close()


@pytest.fixture
def folder(tmp_path: Path, make_images: Callable[..., list[Path]]) -> Path:
    """Fifteen pictures of three kinds."""
    make_images(tmp_path / "Beach 2026", 3, 5, SIDE)
    return tmp_path / "Beach 2026"


def run(
    engine: Engine, folder: Path, settings: RunSettings = SETTINGS, token: CancelToken | None = None
) -> tuple[list[Event], RunResult]:
    """One run on the processor; what was told, and the result."""
    events: list[Event] = []
    request = RunRequest((folder,), settings, device="cpu")
    return events, engine.run(request, events.append, token)


def test_the_trained_backbone_is_kept_named_and_used(
    tuning_engine: Engine, folder: Path, weights: Path
) -> None:
    before = sorted((p, p.read_bytes()) for p in folder.rglob("*") if p.is_file())
    events, result = run(tuning_engine, folder)
    facts = result.tuning
    assert facts is not None
    assert facts.name.startswith("tuned:beach-2026-dec-")
    assert (facts.images, facts.epochs, facts.blocks) == (15, 2, ("blocks.4.0",))
    assert facts.estimated_s > 0
    assert result.ingest.backbone.name == result.settings.backbone == facts.name
    assert (result.settings.finetune, result.settings.k) == ("none", 3)
    assert "finetune.epochs" not in result.settings.parameters
    frozen = run(tuning_engine, folder, replace(SETTINGS, finetune="none", parameters={}))[1]
    assert frozen.ingest.backbone.fingerprint != result.ingest.backbone.fingerprint
    points = [e for e in events if isinstance(e, TrainingProgressed)]
    assert {p.phase for p in points} == {"pictures", "clustering"}
    assert {p.head for p in points} == {"finetune.dec"}
    assert [p.done for p in points] == sorted(p.done for p in points)
    assert before == sorted((p, p.read_bytes()) for p in folder.rglob("*") if p.is_file())

    told = report_values(result)["finetune"]
    assert isinstance(told, dict)
    assert told["backbone"] == facts.name
    json.dumps(told, allow_nan=False)
    row = next(r for r in list_backbones(weights) if r.name == facts.name)
    assert "test_efficientnet, trained on 15 images" in row.hint

    again, same = run(tuning_engine, folder)
    assert any(isinstance(e, Notice) and "used again" in e.text for e in again)
    assert not any(isinstance(e, TrainingProgressed) for e in again)
    assert (same.clusters.labels == result.clusters.labels).all()
    chosen = replace(SETTINGS, backbone=facts.name, finetune="none", parameters={})
    later = run(tuning_engine, folder, chosen)[1]
    assert (later.ingest.embedded, later.ingest.decoded) == (0, 0)

    remove_tuned(facts.name, weights)
    assert list_tuned(weights) == []


def test_an_outcome_that_another_version_kept_is_not_used(
    tuning_engine: Engine, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tuning_engine, folder)
    kept = ModelFiles.facts

    def of_another_version(self: ModelFiles, path: Path) -> dict[str, object]:
        facts = kept(self, path)
        outcome = facts["outcome"]
        assert isinstance(outcome, dict)
        return {**facts, "outcome": {**outcome, "strange": 1}}

    monkeypatch.setattr(ModelFiles, "facts", of_another_version)
    events, _ = run(tuning_engine, folder)
    assert any(isinstance(e, TrainingProgressed) for e in events)


def test_dcn_trains_on_views_drawn_anew_and_kept_in_bytes(
    tuning_engine: Engine, folder: Path
) -> None:
    parameters = {**SETTINGS.parameters, "finetune.views": "0"}
    _, result = run(tuning_engine, folder, replace(SETTINGS, finetune="dcn", parameters=parameters))
    assert result.tuning is not None
    assert (result.tuning.views, result.tuning.is_refused) == (0, False)
    assert "-dcn-" in result.settings.backbone


def test_a_refused_training_leaves_the_frozen_features_in_use_and_says_so(
    tuning_engine: Engine, folder: Path, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dclust_gui.algorithms.deep.finetuning.REFUSED_BELOW", 99.0)
    events, result = run(tuning_engine, folder)
    assert result.tuning is not None
    assert (result.tuning.is_refused, result.tuning.name) == (True, "")
    assert result.settings.backbone == "test_efficientnet"
    assert any(isinstance(e, Notice) and "frozen features stay" in e.text for e in events)
    assert list_tuned(weights) == []


def test_files_that_are_gone_meanwhile_are_left_out(
    tuning_engine: Engine, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dclust_gui.engine.tuning import BackboneTuning

    trained = BackboneTuning.run

    def later(self: BackboneTuning, images: object) -> object:
        next(folder.rglob("*.png")).unlink()
        return trained(self, images)  # type: ignore[arg-type]

    monkeypatch.setattr(BackboneTuning, "run", later)
    events, result = run(tuning_engine, folder)
    assert result.tuning is not None
    assert result.tuning.images == 14
    assert any(isinstance(e, Notice) and "could not be read again" in e.text for e in events)


def test_cancelling_while_pictures_are_read_keeps_nothing(
    tuning_engine: Engine, folder: Path, weights: Path
) -> None:
    token = CancelToken()

    def stop(event: Event) -> None:
        if isinstance(event, TrainingProgressed):
            token.cancel()

    with pytest.raises(Cancelled):
        tuning_engine.run(RunRequest((folder,), SETTINGS, device="cpu"), stop, token)
    assert list_tuned(weights) == []
    assert list(weights.parent.glob("cache/.views-*")) == []


def test_who_does_not_approve_ends_the_run(tuning_engine: Engine, folder: Path) -> None:
    asked: list[TuningEstimate] = []

    def refuse(estimate: TuningEstimate) -> bool:
        asked.append(estimate)
        return False

    tuning_engine.approve_training = refuse
    with pytest.raises(Cancelled):
        run(tuning_engine, folder)
    assert asked[0].is_cpu
    assert asked[0].plan.n_images == 15


def test_a_single_cluster_or_a_handful_of_images_teach_nothing(
    tuning_engine: Engine, folder: Path
) -> None:
    with pytest.raises(ClusteringError, match="single cluster"):
        run(tuning_engine, folder, replace(SETTINGS, k=1))
    for path in sorted(folder.rglob("*.*"))[4:]:
        path.unlink()
    with pytest.raises(ClusteringError, match="learn from 4 images"):
        run(tuning_engine, folder, replace(SETTINGS, k=2))


def test_a_full_disk_is_told_in_words(tuning_engine: Engine, folder: Path, weights: Path) -> None:
    (weights / "tuned").write_bytes(b"a file where the folder should be")
    with pytest.raises(StorageError, match="keep the trained model"):
        run(tuning_engine, folder)


def test_how_long_it_takes_is_measured(tuning_engine: Engine, folder: Path) -> None:
    files = sorted(folder.rglob("*.*"))
    request = RunRequest((folder,), SETTINGS, device="cpu")
    text = tuning_engine.tuning_time(files, 10_000, request, CancelToken())
    assert "10,000 images" in text
    stopped = CancelToken()
    stopped.cancel()
    with pytest.raises(Cancelled):
        tuning_engine.tuning_time(files, 10_000, request, stopped)


def test_a_trained_backbone_can_be_found_only_by_its_name(weights: Path) -> None:
    from dclust_gui.domain.errors import BackboneError

    with pytest.raises(BackboneError, match="no trained backbone 'x'"):
        find_tuned("tuned:x", weights)
