"""Saved heads come back as they were; foreign files are refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from sklearn.base import clone
from sklearn.linear_model import Ridge

from dclust_gui.algorithms.deep.saving import load_model, save_model
from dclust_gui.domain.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray
    from sklearn.base import BaseEstimator

    from dclust_gui.algorithms.deep.pretraining import Autoencoder

    Clouds = tuple[NDArray[np.float32], NDArray[np.int64]]
    Heads = Callable[..., BaseEstimator]


@pytest.mark.parametrize("name", ["ae", "dec", "idec", "dcn"])
def test_a_saved_head_comes_back(
    name: str, make_head: Heads, clouds: Clouds, tmp_path: Path
) -> None:
    head = make_head(name).fit(clouds[0])
    save_model(head, tmp_path / "head.safetensors")
    back = load_model(tmp_path / "head.safetensors")
    assert type(back) is type(head)
    assert repr(back) == repr(head)
    for attribute in ("labels_", "soft_assignments_", "embedding_", "cluster_centers_"):
        np.testing.assert_array_equal(getattr(back, attribute), getattr(head, attribute))
    np.testing.assert_array_equal(back.predict(clouds[0]), head.predict(clouds[0]))
    np.testing.assert_array_equal(back.transform(clouds[0]), head.transform(clouds[0]))
    assert [s.losses for s in back.history_] == [s.losses for s in head.history_]
    assert clone(back).fit(clouds[0]).labels_.tolist() == head.labels_.tolist()


def test_a_saved_autoencoder_can_start_a_head(
    make_head: Heads, clouds: Clouds, tiny: Autoencoder, tmp_path: Path
) -> None:
    trained = clone(tiny).set_params(random_state=1).fit(clouds[0])
    save_model(trained, tmp_path / "ae.safetensors")
    back = load_model(tmp_path / "ae.safetensors")
    first = make_head("dec", autoencoder=trained).fit(clouds[0])
    second = make_head("dec", autoencoder=back).fit(clouds[0])
    np.testing.assert_array_equal(first.embedding_, second.embedding_)


def test_what_has_no_place_in_the_file_is_refused(clouds: Clouds, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="Ridge"):
        save_model(Ridge().fit(*clouds), tmp_path / "x.safetensors")


@pytest.mark.parametrize(
    "change",
    [
        {"is": "estimator", "class": "Popen", "parameters": {}, "state": {}},
        {"is": "estimator", "class": "DEC", "parameters": {}, "state": {"fit": 1}},
        {"is": "estimator", "class": "DEC", "parameters": {}, "state": {"__class__": 1}},
        {"is": "estimator", "class": "DEC", "parameters": {"nonsense": 1}, "state": {}},
        {"is": "record", "class": "TrainingStep", "fields": {"phase": "start"}},
        {"is": "array", "name": "missing"},
        {"is": "surprise"},
        7,
    ],
)
def test_a_foreign_or_changed_file_is_refused(change: object, tmp_path: Path) -> None:
    path = tmp_path / "bad.safetensors"
    facts = json.dumps({"format": 1, "model": change})
    save_file({"0": torch.zeros(1)}, path, {"dclust_head": facts})
    with pytest.raises(StorageError, match=r"bad\.safetensors"):
        load_model(path)


def test_files_that_are_none_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "bad.safetensors"
    for content in (b"", b"not a model", b"\x00" * 100):
        path.write_bytes(content)
        with pytest.raises(StorageError):
            load_model(path)
    with pytest.raises(StorageError):
        load_model(tmp_path / "absent.safetensors")
    save_file({"0": torch.zeros(1)}, path, {"dclust_head": json.dumps({"format": 99})})
    with pytest.raises(StorageError, match="99"):
        load_model(path)


def test_a_file_holds_numbers_and_json_only(
    make_head: Heads, clouds: Clouds, tmp_path: Path
) -> None:
    save_model(make_head("dec").fit(clouds[0]), tmp_path / "head.safetensors")
    with safe_open(tmp_path / "head.safetensors", framework="np") as file:
        facts = json.loads(file.metadata()["dclust_head"])
    assert facts["model"]["class"] == "DEC"
