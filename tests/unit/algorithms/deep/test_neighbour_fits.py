"""TEMI and SCAN: seeds, cancelling, collapse, odd data, files, conventions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.metrics import adjusted_rand_score
from sklearn.utils.estimator_checks import estimator_checks_generator

from dclust_gui.algorithms.base import UnusableDataError
from dclust_gui.algorithms.deep import base
from dclust_gui.algorithms.deep.health import Health
from dclust_gui.algorithms.deep.progress import CLUSTERING, TrainingStep
from dclust_gui.algorithms.deep.saving import load_model, save_model
from dclust_gui.algorithms.deep.scan import SCAN
from dclust_gui.algorithms.deep.temi import TEMI
from dclust_gui.algorithms.deep.training import TrainingError
from dclust_gui.domain.control import Cancelled

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from dclust_gui.algorithms.deep.neighbour_heads import NeighbourHeads

    Clouds = tuple[NDArray[np.float32], NDArray[np.int64]]

KINDS = (TEMI, SCAN)


def made(kind: type[NeighbourHeads], n_clusters: int = 4, **parameters: object) -> NeighbourHeads:
    """A head with few steps."""
    chosen: dict[str, object] = {"epochs": 10, "batch_size": 64, "n_heads": 2, "random_state": 0}
    return kind(n_clusters, device="cpu", **{**chosen, **parameters})


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_labels(kind: type, clouds: Clouds) -> None:
    rows = clouds[0] + np.random.default_rng(0).normal(size=(240, 12)) * 4
    first = made(kind, random_state=7).fit(rows)
    torch.manual_seed(99)
    second = clone(first).fit(rows)
    np.testing.assert_array_equal(first.labels_, second.labels_)
    np.testing.assert_array_equal(first.embedding_, second.embedding_)


@pytest.mark.parametrize("kind", KINDS)
def test_tick_and_callback_can_cancel_or_stop(kind: type, clouds: Clouds) -> None:
    def stop(*_: object) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        made(kind).fit(clouds[0], tick=stop)
    with pytest.raises(Cancelled):
        made(kind).fit(clouds[0], callback=stop)
    seen: list[TrainingStep] = []

    def enough(step: TrainingStep) -> bool:
        seen.append(step)
        return step.phase == CLUSTERING

    head = made(kind).fit(clouds[0], callback=enough)
    assert head.note_ == "Stopped early."
    assert head.n_iter_ == 0
    np.testing.assert_array_equal(head.labels_, head.start_labels_)
    assert seen[-1].labels is not None
    early = made(kind).fit(clouds[0], callback=lambda _: True)
    np.testing.assert_array_equal(early.labels_, early.start_labels_)


@pytest.mark.parametrize("kind", KINDS)
def test_a_collapse_is_said_and_the_start_put_back(
    kind: type, clouds: Clouds, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = Health.check
    monkeypatch.setattr(Health, "check", lambda h, labels: check(h, np.zeros_like(labels)))
    head = made(kind).fit(clouds[0])
    assert head.collapsed_
    assert "collapsed" in head.note_
    np.testing.assert_array_equal(head.labels_, head.start_labels_)
    assert (head.predict(clouds[0]) == head.labels_).mean() > 0.95


@pytest.mark.parametrize("kind", KINDS)
def test_a_diverging_training_is_a_clear_error(kind: type, clouds: Clouds) -> None:
    with pytest.raises(TrainingError, match="Could not train"):
        made(kind, learning_rate=1e38).fit(clouds[0])


@pytest.mark.parametrize("kind", KINDS)
def test_few_equal_or_odd_rows_do_not_break_it(kind: type, clouds: Clouds) -> None:
    assert set(made(kind, 1).fit(np.full((30, 6), 3.0)).labels_.tolist()) == {0}
    assert made(kind, 1).fit(np.ones((1, 3))).labels_.tolist() == [0]
    assert len(made(kind, 12).fit(np.eye(12)).labels_) == 12
    assert len(made(kind, 2).fit(np.eye(2)).labels_) == 2
    rows = clouds[0].copy()
    rows[7] = 1e6
    assert np.isfinite(made(kind).fit(rows).embedding_).all()
    for bad in (np.full((9, 2), np.nan), np.empty((0, 3)), np.full((30, 6), 3.0)):
        with pytest.raises(UnusableDataError):
            made(kind, 2).fit(bad)


@pytest.mark.parametrize("kind", KINDS)
def test_given_labels_start_it_and_open_ones_are_filled(kind: type, clouds: Clouds) -> None:
    rows, truth = clouds
    given = truth.astype(np.int32)
    given[::5] = -1
    head = made(kind, initial_labels=given).fit(rows)
    assert (head.start_labels_[given >= 0] == given[given >= 0]).all()
    assert (head.labels_ == truth).mean() > 0.95
    with pytest.raises(UnusableDataError):
        made(kind, initial_labels=given[:9]).fit(rows)


@pytest.mark.parametrize("kind", KINDS)
def test_wide_features_are_narrowed_and_the_model_is_kept_in_a_file(
    kind: type, tmp_path: Path
) -> None:
    random = np.random.default_rng(0)
    truth = np.arange(300) % 3
    rows = (random.normal(size=(3, 200))[truth] + random.normal(size=(300, 200))).astype("f4")
    head = made(kind, 3).fit(rows)
    assert head.network_.widths[0] == 200
    assert adjusted_rand_score(truth, head.labels_) > 0.95
    save_model(head, tmp_path / "head.safetensors")
    again = load_model(tmp_path / "head.safetensors")
    np.testing.assert_array_equal(again.predict(rows), head.labels_)
    np.testing.assert_array_equal(again.predict_proba(rows), head.predict_proba(rows))


def test_a_full_gpu_is_left_for_the_processor(
    clouds: Clouds, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = SCAN._run
    devices: list[str] = []

    def full(head: SCAN, features: NDArray[np.float32], device: str, *rest: object) -> None:
        devices.append(device)
        if len(devices) == 1:
            raise torch.OutOfMemoryError("full")
        run(head, features, device, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(SCAN, "_run", full)
    monkeypatch.setattr(base, "pick_device", lambda _: type("D", (), {"torch_name": "cuda:0"})())
    head = made(SCAN).fit(clouds[0])
    assert devices == ["cuda:0", "cpu"]
    assert "processor" in head.note_


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("kind", KINDS)
def test_scikit_learns_checks_pass(kind: type) -> None:
    estimator = made(kind, 2, epochs=1, n_heads=1)
    failures = []
    count = 0
    for instance, check in estimator_checks_generator(estimator):
        count += 1
        try:
            check(instance)
        except Exception as error:  # noqa: BLE001 -- every failure is listed
            if type(error).__name__ not in ("SkipTest", "Skipped"):
                failures.append(f"{getattr(check, 'func', check).__name__}: {error!r}"[:400])
    assert not failures
    assert count > 30
