"""The registry: plain data, typed settings, lazy imports."""

from __future__ import annotations

import subprocess
import sys

import pytest

from dclust_gui.algorithms.head_rows import AUTOENCODER
from dclust_gui.algorithms.registry import build, build_head, head, heads, method, methods
from dclust_gui.domain.errors import InputError


def test_reading_the_registry_loads_no_heavy_library() -> None:
    code = (
        "import sys; from dclust_gui.algorithms.registry import heads, methods; methods(); heads();"
        "print([m for m in ('torch', 'sklearn', 'scipy', 'numpy') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


@pytest.mark.parametrize("name", [m.name for m in methods()])
def test_every_method_builds_with_its_defaults(name: str) -> None:
    estimator = build(name, n_clusters=3, random_state=0)
    for parameter in method(name).parameters:
        assert estimator.get_params()[parameter.name] == parameter.default
        assert parameter.help
        assert parameter.parse(parameter.default) == parameter.default


def test_settings_are_read_from_text() -> None:
    estimator = build("kmeans", n_clusters=3, params={"n_init": "4", "tol": "1e-3"})
    assert (estimator.n_init, estimator.tol) == (4, 1e-3)
    assert build("kmeans", n_clusters=3, params={"n_init": "auto"}).n_init == "auto"


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"n_init": "many"}, "whole number"),
        ({"n_init": "0"}, "from 1"),
        ({"tol": "nan"}, "a number"),
        ({"speed": "1"}, "n_init"),
    ],
)
def test_a_wrong_setting_is_a_clear_error(params: dict[str, str], words: str) -> None:
    with pytest.raises(InputError, match=words):
        build("kmeans", n_clusters=3, params=params)


def test_unknown_method_distance_or_missing_k_is_a_clear_error() -> None:
    with pytest.raises(InputError, match="kmeans"):
        method("magic")
    with pytest.raises(InputError, match="euclidean"):
        build("kmeans", n_clusters=3, metric="manhattan")
    with pytest.raises(InputError, match="Give k"):
        build("kmeans")


@pytest.mark.parametrize("name", [h.name for h in heads()])
def test_every_head_builds_with_its_defaults(name: str) -> None:
    estimator = build_head(name, n_clusters=3, random_state=0, device="cpu")
    values = estimator.get_params()
    assert (values["n_clusters"], values["random_state"], values["device"]) == (3, 0, "cpu")
    assert values.get("autoencoder") is None
    for parameter in head(name).parameters:
        assert parameter.help
        assert parameter.parse(parameter.default) == parameter.default
        if parameter.name not in AUTOENCODER:
            assert values[parameter.name] == parameter.default


def test_a_heads_pretraining_is_set_by_name() -> None:
    estimator = build_head(
        "dec", n_clusters=3, params={"code_size": "5", "pretrain_epochs": "7", "epochs": "9"}
    )
    values = estimator.get_params()
    assert (values["autoencoder__code_size"], values["autoencoder__epochs"]) == (5, 7)
    assert values["epochs"] == 9


def test_unknown_head_is_a_clear_error() -> None:
    with pytest.raises(InputError, match="vade"):
        head("magic")
