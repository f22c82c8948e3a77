"""DCAT: groups of a code, and images that cannot be restored."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from sklearn.metrics import adjusted_rand_score

from dclust_gui.algorithms.base import UnusableDataError
from dclust_gui.algorithms.deep import DCAT, Autoencoder, load_model, save_model
from dclust_gui.algorithms.robust import robust_threshold

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

Clouds = tuple["NDArray[np.float32]", "NDArray[np.int64]"]


@pytest.fixture
def network() -> Autoencoder:
    """Settings of an autoencoder that learns four clouds in a second."""
    return Autoencoder(
        3, layers=(24,), epochs=40, batch_size=64, learning_rate=5e-3, corruption=0.0, device="cpu"
    )


@pytest.fixture
def spoilt(clouds: Clouds) -> NDArray[np.float32]:
    """The clouds, and six images unlike any other."""
    far = np.random.default_rng(0).normal(size=(6, 12)) * 12
    return np.vstack([clouds[0], far]).astype(np.float32)


def test_clouds_are_found_and_strangers_are_unassigned(
    spoilt: NDArray[np.float32], clouds: Clouds, network: Autoencoder
) -> None:
    model = DCAT(autoencoder=network, random_state=0, device="cpu").fit(spoilt)
    inside = model.labels_[:240] >= 0
    assert (model.labels_[240:] == -1).sum() >= 5
    assert inside.mean() > 0.9
    assert adjusted_rand_score(model.labels_[:240][inside], clouds[1][inside]) > 0.95
    assert "Restored badly, and so Unassigned: " in model.note_
    assert not model.collapsed_


def test_the_threshold_is_the_published_one(
    spoilt: NDArray[np.float32], network: Autoencoder
) -> None:
    model = DCAT(autoencoder=network, random_state=0, device="cpu").fit(spoilt)
    errors = model.reconstruction_errors_
    median = np.median(errors)
    wanted = median + 3 * 1.4826 * np.median(np.abs(errors - median))
    assert model.threshold_ == pytest.approx(float(wanted), rel=1e-5)
    assert model.threshold_ == robust_threshold(errors)
    np.testing.assert_array_equal(model.labels_ < 0, errors > model.threshold_)
    again = model.network_(_scaled(model, spoilt))[1].detach().numpy()
    mean_square = ((again - _scaled(model, spoilt).numpy()) ** 2).mean(axis=1)
    np.testing.assert_allclose(errors, mean_square, rtol=1e-4)


def _scaled(model: DCAT, rows: NDArray[np.float32]) -> torch.Tensor:
    return torch.from_numpy(model.scaling_.apply(rows))


@pytest.mark.parametrize("wanted", [2, 4])
def test_a_wanted_number_is_searched_for(clouds: Clouds, network: Autoencoder, wanted: int) -> None:
    model = DCAT(wanted, autoencoder=network, random_state=0, device="cpu").fit(clouds[0])
    assert len(model.cluster_centers_) == wanted


def test_a_number_that_cannot_be_had_is_told(clouds: Clouds, network: Autoencoder) -> None:
    model = DCAT(239, autoencoder=network, random_state=0, device="cpu").fit(clouds[0])
    assert "not 239" in model.note_


def test_one_cloud_is_told_to_be_one_cluster(network: Autoencoder) -> None:
    rows = np.random.default_rng(0).normal(size=(150, 12)).astype(np.float32)
    model = DCAT(quantile=0.9, autoencoder=network, random_state=0, device="cpu").fit(rows)
    assert "one cluster" in model.note_
    assert model.quantile_ == 0.9


def test_one_cluster_that_was_asked_for_is_no_failure(clouds: Clouds, network: Autoencoder) -> None:
    model = DCAT(1, autoencoder=network, random_state=0, device="cpu").fit(clouds[0])
    assert "structure" not in model.note_
    assert set(model.labels_[model.labels_ >= 0]) == {0}


def test_new_images_are_grouped_or_left_out(
    spoilt: NDArray[np.float32], network: Autoencoder
) -> None:
    model = DCAT(autoencoder=network, random_state=0, device="cpu").fit(spoilt)
    np.testing.assert_array_equal(model.predict(spoilt), model.labels_)
    np.testing.assert_allclose(
        model.reconstruction_error(spoilt), model.reconstruction_errors_, rtol=1e-4
    )
    np.testing.assert_allclose(model.transform(spoilt), model.embedding_, atol=1e-4)
    np.testing.assert_allclose(model.predict_proba(spoilt).sum(1), 1.0, atol=1e-5)


def test_codes_wider_than_ten_are_cut_to_ten_of_variance_1(clouds: Clouds) -> None:
    network = Autoencoder(12, layers=(24,), epochs=4, device="cpu")
    model = DCAT(autoencoder=network, random_state=0, device="cpu").fit(clouds[0])
    assert model.embedding_.shape == (240, 10)
    np.testing.assert_allclose(model.embedding_.std(axis=0), 1.0, atol=1e-3)


def test_a_saved_model_predicts_the_same(
    spoilt: NDArray[np.float32], network: Autoencoder, tmp_path: Path
) -> None:
    model = DCAT(autoencoder=network, random_state=0, device="cpu").fit(spoilt)
    save_model(model, tmp_path / "model.safetensors")
    again = load_model(tmp_path / "model.safetensors")
    assert isinstance(again, DCAT)
    np.testing.assert_array_equal(again.predict(spoilt), model.labels_)
    assert again.threshold_ == model.threshold_


def test_the_same_seed_gives_the_same_labels(clouds: Clouds, network: Autoencoder) -> None:
    first = DCAT(autoencoder=network, random_state=1, device="cpu").fit(clouds[0])
    second = DCAT(autoencoder=network, random_state=1, device="cpu").fit(clouds[0])
    np.testing.assert_array_equal(first.labels_, second.labels_)
    assert first.bandwidth_ == second.bandwidth_


@pytest.mark.parametrize(
    "rows", [np.ones((30, 5)), np.zeros((1, 5)), np.arange(10.0).reshape(2, 5)]
)
def test_constant_and_few_images_are_clustered(
    rows: NDArray[np.float64], network: Autoencoder
) -> None:
    model = DCAT(autoencoder=network, random_state=0, device="cpu").fit(rows)
    assert (model.labels_ >= 0).any()
    assert np.isfinite(model.embedding_).all()


@pytest.mark.parametrize(
    "settings", [{"quantile": 0.0}, {"quantile": "some"}, {"deviations": 0.0}, {"n_clusters": 999}]
)
def test_settings_that_cannot_be_used_are_refused(
    clouds: Clouds, network: Autoencoder, settings: dict[str, object]
) -> None:
    model = DCAT(autoencoder=network, device="cpu").set_params(**settings)
    with pytest.raises(UnusableDataError):
        model.fit(clouds[0])


def test_a_tick_can_stop_the_training(clouds: Clouds, network: Autoencoder) -> None:
    def stop() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        DCAT(autoencoder=network, device="cpu").fit(clouds[0], tick=stop)
