"""What a head is given by mistake or by a damaged file is refused in words, and changes nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.torch import save_file

from dclust_gui.algorithms.base import UnusableDataError
from dclust_gui.algorithms.deep.n2d import N2D
from dclust_gui.algorithms.deep.parameters import check_number
from dclust_gui.algorithms.deep.pretraining import Autoencoder
from dclust_gui.algorithms.deep.saving import load_model, save_model
from dclust_gui.algorithms.deep.scaling import learn_scaling
from dclust_gui.algorithms.deep.soft import log_membership_prior
from dclust_gui.algorithms.deep.vade import VaDE
from dclust_gui.domain.control import Cancelled
from dclust_gui.domain.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray
    from sklearn.base import BaseEstimator
    from torch import Tensor

    from dclust_gui.algorithms.deep.progress import TrainingStep

    Clouds = tuple[NDArray[np.float32], NDArray[np.int64]]
    Heads = Callable[..., BaseEstimator]
    Facts = dict[str, dict[str, dict[str, dict[str, object]]]]


@pytest.mark.parametrize(
    ("name", "setting"),
    [
        ("dec", {"alpha": np.inf}),
        ("dec", {"batch_size": 2.5}),
        ("dec", {"batch_size": "many"}),
        ("dec", {"learning_rate": "fast"}),
        ("dec", {"start_share": "half"}),
        ("dec", {"update_interval": "often"}),
        ("dec", {"epochs": None}),
        ("dec", {"n_clusters": 4.0}),
        ("dec", {"n_clusters": "four"}),
        ("dec", {"autoencoder": "none"}),
        ("dec", {"autoencoder": Autoencoder(layers=(0,))}),
        ("dec", {"autoencoder": Autoencoder(layers="deep")}),
        ("dec", {"autoencoder": Autoencoder(learning_rate=-1.0)}),
        ("idec", {"gamma": np.nan}),
        ("dcn", {"weight": np.inf}),
        ("dcn", {"start_share": "half"}),
        ("ae", {"separation": np.nan, "epochs": 1}),
    ],
)
def test_settings_that_are_no_such_numbers_are_told(
    name: str, setting: dict[str, object], make_head: Heads, clouds: Clouds
) -> None:
    with pytest.raises(UnusableDataError, match="Could not"):
        make_head(name).set_params(**setting).fit(clouds[0])


def test_settings_of_other_heads_are_told(clouds: Clouds) -> None:
    for head in (
        N2D(4, dims=2.5),  # type: ignore[arg-type]
        N2D(4, autoencoder=3),  # type: ignore[arg-type]
        VaDE(4, restarts=1.5),  # type: ignore[arg-type]
        VaDE(4, start_share="half"),  # type: ignore[arg-type]
    ):
        with pytest.raises(UnusableDataError, match="Could not"):
            head.fit(clouds[0])
    with pytest.raises(UnusableDataError, match="n2d, gmm"):
        VaDE(4, start="agglomerative").fit(clouds[0])


def test_a_refused_number_is_told_with_what_it_may_be() -> None:
    with pytest.raises(UnusableDataError, match=r"tol='x' .* 'auto' or a whole number from 1 to 9"):
        check_number("it", "tol", "x", 1, 9, is_whole=True, may_be_auto=True)
    with pytest.raises(UnusableDataError, match="above 0"):
        check_number("it", "rate", 0.0, 0, is_above=True)
    check_number("it", "tol", "auto", 1, may_be_auto=True)
    check_number("it", "tol", np.int64(3), 1, is_whole=True)


@pytest.mark.parametrize("prior", ["abc", [[1], [1, 2]], [None] * 4, [np.inf, 1, 1, 1]])
def test_a_prior_that_holds_no_numbers_is_told(prior: object) -> None:
    with pytest.raises(UnusableDataError, match="membership_prior"):
        log_membership_prior(prior, 10, 4)  # type: ignore[arg-type]


def test_missing_values_are_told_in_one_line(make_head: Heads, clouds: Clouds) -> None:
    rows = clouds[0].copy()
    rows[3, 3] = np.nan
    with pytest.raises(UnusableDataError, match="NaN") as raised:
        make_head("dec").fit(rows)
    assert "\n" not in str(raised.value)
    with pytest.raises(UnusableDataError, match="infinity"):
        make_head("dec").fit(clouds[0].astype(np.float64) * 1e200)


def test_tiny_features_are_scaled_like_others(clouds: Clouds) -> None:
    usual = learn_scaling(clouds[0]).apply(clouds[0])
    tiny = clouds[0] * np.float32(1e-30)
    np.testing.assert_allclose(learn_scaling(tiny).apply(tiny), usual, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", ["ae", "dec", "dcn"])
def test_a_cancelled_fit_leaves_the_head_as_it_was(
    name: str, make_head: Heads, clouds: Clouds
) -> None:
    head = make_head(name).fit(clouds[0])
    before = head.predict(clouds[0])
    steps = []

    def tick() -> None:
        steps.append(1)
        if len(steps) == 10:
            raise Cancelled

    with pytest.raises(Cancelled):
        head.fit(clouds[0][:100, :7] * 50 + 3, tick=tick)
    assert head.n_features_in_ == 12
    np.testing.assert_array_equal(head.predict(clouds[0]), before)
    np.testing.assert_array_equal(head.labels_, before)


@pytest.mark.parametrize("name", ["dec", "dcn"])
def test_labels_handed_to_a_callback_cannot_be_written(
    name: str, make_head: Heads, clouds: Clouds
) -> None:
    seen = []

    def look(step: TrainingStep) -> None:
        if step.labels is not None:
            seen.append(step.labels.flags.writeable)

    make_head(name).fit(clouds[0], callback=look)
    assert seen
    assert not any(seen)


# -- damaged files -------------------------------------------------------------------------------


def changed(path: Path, change: Callable[[Facts, dict[str, Tensor]], None]) -> None:
    """Read a saved head, change its facts or numbers, and write it back."""
    with safe_open(path, framework="pt") as file:
        facts = json.loads(file.metadata()["dclust_head"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    change(facts, tensors)
    save_file(tensors, path, {"dclust_head": json.dumps(facts)})


def cut(name: str) -> Callable[[Facts, dict[str, Tensor]], None]:
    """Halve an array of the state."""

    def change(facts: Facts, tensors: dict[str, Tensor]) -> None:
        number = str(facts["model"]["state"][name]["name"])
        tensors[number] = tensors[number].flatten()[: tensors[number].numel() // 2].clone()

    return change


def put(name: str, value: object) -> Callable[[Facts, dict[str, Tensor]], None]:
    """Replace a part of the state."""

    def change(facts: Facts, tensors: dict[str, Tensor]) -> None:
        del tensors
        facts["model"]["state"][name] = value  # type: ignore[assignment]

    return change


def spoil(facts: Facts, tensors: dict[str, Tensor]) -> None:
    """Make the centres no numbers."""
    tensors[str(facts["model"]["state"]["cluster_centers_"]["name"])].fill_(float("nan"))


@pytest.mark.parametrize(
    "change",
    [
        cut("cluster_centers_"),
        put("cluster_centers_", None),
        put("scaling_", "x"),
        put("network_", 7),
        put("n_features_in_", 11),
        put("n_features_in_", 10**12),
        put("_log_prior", "x"),
        spoil,
        lambda facts, _: facts["model"]["state"].pop("scaling_"),
        lambda facts, _: facts["model"]["parameters"].update(alpha="x"),
        lambda facts, _: facts["model"]["state"].clear(),
    ],
)
def test_a_model_whose_parts_do_not_fit_is_refused_when_it_is_read(
    change: Callable[[Facts, dict[str, Tensor]], None],
    make_head: Heads,
    clouds: Clouds,
    tmp_path: Path,
) -> None:
    path = tmp_path / "head.safetensors"
    save_model(make_head("dec").set_params(epochs=1).fit(clouds[0]), path)
    changed(path, change)
    with pytest.raises(StorageError, match=r"head\.safetensors"):
        load_model(path)
