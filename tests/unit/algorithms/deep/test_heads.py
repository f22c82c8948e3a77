"""What holds for every head: labels, seeds, cancelling, collapse, bad data, odd data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.metrics import adjusted_rand_score

from dclust_gui.algorithms.base import UnusableDataError
from dclust_gui.algorithms.deep import base, selftraining, training
from dclust_gui.algorithms.deep.autoencoder import AutoencoderClustering, separation
from dclust_gui.algorithms.deep.dec import DEC
from dclust_gui.algorithms.deep.health import Health
from dclust_gui.algorithms.deep.networks import encode
from dclust_gui.algorithms.deep.pretraining import Autoencoder
from dclust_gui.algorithms.deep.progress import CLUSTERING, TrainingStep
from dclust_gui.algorithms.deep.session import Session
from dclust_gui.algorithms.deep.soft import squared_distances
from dclust_gui.domain.control import Cancelled

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from sklearn.base import BaseEstimator

    Clouds = tuple[NDArray[np.float32], NDArray[np.int64]]
    Heads = Callable[..., BaseEstimator]

NAMES = ["ae", "dec", "idec", "dcn"]
TRAINED = ["dec", "idec", "dcn"]


@pytest.mark.parametrize("name", NAMES)
def test_separated_clouds_are_found(name: str, make_head: Heads, clouds: Clouds) -> None:
    rows, truth = clouds
    head = make_head(name).fit(rows)
    assert adjusted_rand_score(truth, head.labels_) > 0.95
    assert head.labels_.dtype == np.int32
    assert head.soft_assignments_.dtype == np.float32
    assert head.soft_assignments_.shape == (240, 4)
    np.testing.assert_allclose(head.soft_assignments_.sum(1), 1.0, atol=1e-5)
    assert head.embedding_.dtype == np.float32
    assert head.cluster_centers_.shape == (4, head.embedding_.shape[1])
    np.testing.assert_array_equal(head.predict(rows), head.labels_)
    np.testing.assert_allclose(head.transform(rows), head.embedding_, atol=1e-4)
    assert head.note_ == ""
    assert not head.collapsed_
    assert all(step.labels is None for step in head.history_)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_labels(name: str, make_head: Heads, clouds: Clouds) -> None:
    rows = clouds[0] + np.random.default_rng(0).normal(size=(240, 12)) * 4
    head = make_head(name, random_state=7)
    first = head.fit(rows)
    torch.manual_seed(99)
    second = clone(first).fit(rows)
    np.testing.assert_array_equal(first.labels_, second.labels_)
    np.testing.assert_array_equal(first.embedding_, second.embedding_)


@pytest.mark.parametrize("name", NAMES)
def test_a_pretrained_autoencoder_is_used_as_a_copy(
    name: str, make_head: Heads, clouds: Clouds, tiny: Autoencoder
) -> None:
    trained = clone(tiny).set_params(random_state=1).fit(clouds[0])
    before = {k: v.clone() for k, v in trained.network_.state_dict().items()}
    head = make_head(name, autoencoder=trained).fit(clouds[0])
    assert all(torch.equal(v, before[k]) for k, v in trained.network_.state_dict().items())
    assert all(step.phase == CLUSTERING for step in head.history_)
    with pytest.raises(UnusableDataError):
        make_head(name, autoencoder=trained).fit(clouds[0][:, :5])


@pytest.mark.parametrize("name", NAMES)
def test_tick_and_callback_can_cancel(name: str, make_head: Heads, clouds: Clouds) -> None:
    def stop(*_: object) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        make_head(name).fit(clouds[0], tick=stop)
    with pytest.raises(Cancelled):
        make_head(name).fit(clouds[0], callback=stop)


@pytest.mark.parametrize("name", TRAINED)
def test_a_callback_stops_early_with_the_best_so_far(
    name: str, make_head: Heads, clouds: Clouds
) -> None:
    seen: list[TrainingStep] = []

    def stop(step: TrainingStep) -> bool:
        seen.append(step)
        return step.phase == CLUSTERING

    head = make_head(name, tol=0.0).fit(clouds[0], callback=stop)
    assert head.note_ == "Stopped early."
    assert head.n_iter_ == 0
    assert seen[-1].labels is not None
    assert seen[-1].occupied == 4
    assert adjusted_rand_score(head.start_labels_, head.labels_) > 0.95
    early = make_head(name).fit(clouds[0], callback=lambda _: True)
    np.testing.assert_array_equal(early.labels_, early.start_labels_)


@pytest.mark.parametrize("name", TRAINED)
def test_a_collapse_is_said_and_the_start_put_back(
    name: str, make_head: Heads, clouds: Clouds, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = Health.check

    def collapse(health: Health, labels: NDArray[np.int32]) -> int:
        occupied = check(health, np.zeros_like(labels))
        return min(occupied, 1)

    monkeypatch.setattr(Health, "check", collapse)
    head = make_head(name).fit(clouds[0])
    assert head.collapsed_
    assert "collapsed" in head.note_
    np.testing.assert_array_equal(head.labels_, head.start_labels_)
    assert head.soft_assignments_.shape == (240, 4)


def test_dcn_pulled_too_hard_collapses_or_keeps_its_clusters(
    make_head: Heads, clouds: Clouds
) -> None:
    head = make_head("dcn", weight=1e6, learning_rate=0.05, tol=0.0).fit(clouds[0])
    assert head.collapsed_ or len(np.unique(head.labels_)) == 4


@pytest.mark.parametrize("name", TRAINED)
def test_a_diverging_training_is_a_clear_error(name: str, make_head: Heads, clouds: Clouds) -> None:
    with pytest.raises(training.TrainingError, match="Could not train"):
        make_head(name, learning_rate=1e30, tol=0.0).fit(clouds[0])


@pytest.mark.parametrize("name", NAMES)
def test_one_cluster_and_equal_rows_do_not_break_it(name: str, make_head: Heads) -> None:
    equal = make_head(name, 1).fit(np.full((30, 6), 3.0))
    assert set(equal.labels_.tolist()) == {0}
    assert set(make_head(name, 1).fit(np.eye(12)).labels_.tolist()) == {0}
    with pytest.raises(UnusableDataError):
        make_head(name, 2).fit(np.full((30, 6), 3.0))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("k", [0, 13])
def test_an_impossible_number_of_clusters_is_a_clear_error(
    name: str, k: int, make_head: Heads
) -> None:
    with pytest.raises(UnusableDataError):
        make_head(name, k).fit(np.eye(12))


@pytest.mark.parametrize("name", NAMES)
def test_as_many_clusters_as_images_work(name: str, make_head: Heads) -> None:
    labels = make_head(name, 12).fit(np.eye(12)).labels_
    assert len(labels) == 12


@pytest.mark.parametrize("name", NAMES)
def test_one_far_outlier_does_not_hide_the_clusters(
    name: str, make_head: Heads, clouds: Clouds
) -> None:
    rows, truth = clouds[0].copy(), clouds[1]
    rows[7] = 1e6
    head = make_head(name, 5).fit(rows)
    assert np.isfinite(head.embedding_).all()
    others = np.arange(len(rows)) != 7
    assert adjusted_rand_score(truth[others], head.labels_[others]) > 0.7


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "bad", [np.full((9, 2), np.nan), np.empty((0, 3)), np.full((3, 3), np.inf)]
)
def test_unusable_features_are_a_clear_error(
    name: str, bad: NDArray[np.float64], make_head: Heads
) -> None:
    with pytest.raises(UnusableDataError):
        make_head(name, 2).fit(bad)


@pytest.mark.parametrize("name", TRAINED)
def test_given_labels_start_it_and_open_ones_are_filled(
    name: str, make_head: Heads, clouds: Clouds
) -> None:
    rows, truth = clouds
    given = truth.astype(np.int32)
    given[::5] = -1
    head = make_head(name, initial_labels=given).fit(rows)
    assert (head.start_labels_[given >= 0] == given[given >= 0]).all()
    assert (head.labels_ == truth).mean() > 0.95
    for wrong in (given[:9], given + 9, np.zeros(240, int)):
        with pytest.raises(UnusableDataError):
            make_head(name, initial_labels=wrong).fit(rows)


def test_the_start_of_n2d_is_kept_by_dec(make_head: Heads, clouds: Clouds) -> None:
    head = make_head("dec", start="n2d").fit(clouds[0])
    assert adjusted_rand_score(clouds[1], head.labels_) > 0.95
    with pytest.raises(UnusableDataError):
        make_head("dec", start="guess").fit(clouds[0])


@pytest.mark.parametrize("name", ["dec", "idec"])
def test_a_prior_of_single_images_holds_them(name: str, make_head: Heads, clouds: Clouds) -> None:
    rows, truth = clouds
    prior = np.full((240, 4), 0.25)
    start = truth.astype(np.int32)
    prior[0] = [0.0, 1.0, 0.0, 0.0]  # image 0 is of cluster 0
    free = make_head(name, initial_labels=start).fit(rows)
    held = make_head(name, initial_labels=start, membership_prior=prior).fit(rows)
    assert held.soft_assignments_[0, 1] > free.soft_assignments_[0, 1]
    shared = make_head(name, initial_labels=start, membership_prior=[1, 1, 1, 1]).fit(rows)
    np.testing.assert_array_equal(shared.labels_, free.labels_)


def test_a_full_gpu_is_left_for_the_processor(
    make_head: Heads, clouds: Clouds, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = base.DeepClusterer._session
    devices: list[str] = []

    def full(head: DEC, features: object, device: str, *rest: object) -> object:
        devices.append(device)
        if len(devices) == 1:
            raise torch.OutOfMemoryError("full")
        return session(head, features, device, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(base.DeepClusterer, "_session", full)
    monkeypatch.setattr(base, "pick_device", lambda _: type("D", (), {"torch_name": "cuda:0"})())
    head = make_head("dec").fit(clouds[0])
    assert devices == ["cuda:0", "cpu"]
    assert "processor" in head.note_


@pytest.mark.parametrize("method", ["gmm", "ward", "hdbscan"])
def test_any_method_clusters_the_code(method: str, make_head: Heads, clouds: Clouds) -> None:
    head = make_head("ae", method=method).fit(clouds[0])
    assert adjusted_rand_score(clouds[1], head.labels_) > 0.6
    assert len(head.cluster_centers_) == head.labels_.max() + 1


def test_meanshift_finds_its_own_number_on_the_code(make_head: Heads, clouds: Clouds) -> None:
    head = make_head("ae", method="meanshift").fit(clouds[0])
    assert len(head.cluster_centers_) == head.labels_.max() + 1
    assert len(head.labels_) == 240


def test_the_reward_for_separation_moves_centres_apart(make_head: Heads, clouds: Clouds) -> None:
    rows = clouds[0] + np.random.default_rng(0).normal(size=(240, 12)).astype(np.float32) * 2
    plain = make_head("ae", epochs=15, separation=1e-9).fit(rows)
    apart = make_head("ae", epochs=15, separation=1.0).fit(rows)
    nearest = [
        float(torch.pdist(torch.from_numpy(head.cluster_centers_)).min()) for head in (plain, apart)
    ]
    assert nearest[1] > nearest[0]


def test_separation_is_the_mean_softplus_of_the_pairs() -> None:
    code = torch.tensor([[0.0, 0.0], [0.0, 2.0], [3.0, 1.0]], dtype=torch.float64)
    found = separation(code, torch.tensor([0, 0, 2]), 4, margin=5.0)
    assert float(found) == pytest.approx(np.log1p(np.exp(2.0)))
    assert float(separation(code, torch.tensor([1, 1, 1]), 4, margin=5.0)) == 0.0


def test_the_code_is_scaled_without_changing_the_reconstruction(
    clouds: Clouds, tiny: Autoencoder
) -> None:
    network = clone(tiny).set_params(random_state=0).fit(clouds[0]).network_
    rows = torch.from_numpy(clouds[0])
    with torch.no_grad():
        code, again = network(rows)
        network.scale_code(3.0)
        scaled, same = network(rows)
    torch.testing.assert_close(scaled, 3.0 * code)
    torch.testing.assert_close(same, again)


def test_dec_scales_the_median_distance(
    make_head: Heads, clouds: Clouds, monkeypatch: pytest.MonkeyPatch
) -> None:
    medians: list[float] = []
    scale = selftraining.scale_session

    def watch(session: Session) -> float:
        factor = scale(session)
        code = encode(session.network.encoder, session.rows)
        squared = squared_distances(code, session.centres)
        medians.append(float(squared.amin(1).median()))
        return factor

    monkeypatch.setattr(selftraining, "scale_session", watch)
    make_head("dec").fit(clouds[0])
    assert medians == pytest.approx([2.0], rel=1e-3)


def test_constructors_clone(tiny: Autoencoder) -> None:
    head = AutoencoderClustering(3, autoencoder=tiny, separation=0.2)
    assert clone(head).get_params()["separation"] == 0.2
