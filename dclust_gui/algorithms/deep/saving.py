"""Keeps a trained head in one file: numbers as safetensors, all else as JSON in its metadata.

Reading runs no code from the file. Classes are looked up by name in the fixed tables below, an
object is made by its class and given plain values: numbers, texts, lists, arrays, or other objects
of the tables. A file that names anything else is refused.
"""

from __future__ import annotations

import json
import math
from dataclasses import fields, is_dataclass
from enum import Enum
from importlib import import_module
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from scipy import sparse
from sklearn.base import BaseEstimator
from torch import Tensor, nn

from dclust_gui.domain.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FORMAT = 1
MOST_FEATURES = 10_000_000
_KEY = "dclust_head"
_DEEP = "dclust_gui.algorithms.deep."
_FLAT = "dclust_gui.algorithms."

_ESTIMATORS = {
    "Autoencoder": _DEEP + "pretraining",
    "AutoencoderClustering": _DEEP + "autoencoder",
    "ClusterGAN": _DEEP + "clustergan",
    "DCAT": _DEEP + "dcat",
    "DCN": _DEEP + "dcn",
    "DEC": _DEEP + "dec",
    "IDEC": _DEEP + "idec",
    "N2D": _DEEP + "n2d",
    "SCAN": _DEEP + "scan",
    "TEMI": _DEEP + "temi",
    "VaDE": _DEEP + "vade",
    "KMeans": _FLAT + "partition",
    "PCA": _FLAT + "reduce",
    "UMAP": _FLAT + "umap",
}
_RECORDS = {
    "GaussianDensity": _DEEP + "gaussians",
    "MetricMap": _FLAT + "distances",
    "Neighbours": _FLAT + "knn",
    "Scaling": _DEEP + "scaling",
    "TrainingStep": _DEEP + "progress",
}
_NETWORKS = {
    "AutoencoderNetwork": _DEEP + "networks",
    "HeadNetwork": _DEEP + "many_heads",
}
_CHOICES = {"Metric": _FLAT + "distances"}

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


def save_model(model: BaseEstimator, path: Path) -> None:
    """Write a fitted head.

    Args:
        model: A head or an autoencoder, after `fit`.
        path: The file; it is replaced.

    Raises:
        StorageError: If it cannot be written, or holds something that has no place in the file.
    """
    tensors: dict[str, Tensor] = {}
    facts = {"format": FORMAT, "model": _packed(model, tensors)}
    try:
        save_file(tensors, path, {_KEY: json.dumps(facts)})
    except (OSError, SafetensorError) as error:
        raise StorageError(f"Could not save the model as {path.name}.", str(error)) from error


def load_model(path: Path) -> BaseEstimator:
    """Read a head that `save_model` wrote; no code from the file is run.

    Args:
        path: The file.

    Returns:
        The fitted estimator.

    Raises:
        StorageError: If it cannot be read, or is no such file.
    """
    try:
        with safe_open(path, framework="pt") as file:
            text = (file.metadata() or {}).get(_KEY, "")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        facts = json.loads(text)
        if facts["format"] != FORMAT:
            raise _refused(path, f"Its format is {facts['format']}, not {FORMAT}.")
        model = _unpacked(facts["model"], tensors)
    except (OSError, SafetensorError) as error:
        raise StorageError(f"Could not read the model {path.name}.", str(error)) from error
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError, RuntimeError) as error:
        raise _refused(path, "It was not saved by this program, or is damaged.") from error
    if not isinstance(model, BaseEstimator):
        raise _refused(path, "It holds no model.")
    try:
        _try_out(model)
    except Exception as error:  # whatever numbers that do not fit each other lead to
        raise _refused(path, "Its parts do not fit each other.") from error
    return model


def _try_out(model: BaseEstimator) -> None:
    """Encode and place one row of zeros, as for a new image.

    Raises:
        Exception: Any, if the model is incomplete or its arrays do not fit each other.
    """
    width = getattr(model, "n_features_in_", None)
    if not isinstance(width, int) or not 1 <= width <= MOST_FEATURES:
        raise ValueError("its width is unknown")
    row = np.zeros((1, width), np.float32)
    code = model.transform(row)
    if code.ndim != 2 or len(code) != 1 or not np.isfinite(code).all():
        raise ValueError("its codes are no numbers")
    if hasattr(model, "predict_proba"):
        shares = model.predict_proba(row)
        if len(shares) != 1 or not np.isfinite(shares).all() or len(model.predict(row)) != 1:
            raise ValueError("its shares are no numbers")


def _refused(path: Path, why: str) -> StorageError:
    return StorageError(f"Could not read the model {path.name}.", why)


def _packed(value: object, tensors: dict[str, Tensor]) -> Json:
    """A value as JSON; arrays go to `tensors` and leave their names."""
    match value:
        case None | bool() | int() | str() if not isinstance(value, Enum):
            return value
        case float():
            return value if math.isfinite(value) else {"is": "float", "value": str(value)}
        case np.generic():
            return _packed(value.item(), tensors)
        case np.ndarray() | Tensor():
            return {"is": "array", "name": _stored(value, tensors)}
        case list() | tuple():
            return {"is": type(value).__name__, "items": [_packed(v, tensors) for v in value]}
        case sparse.csr_array():
            parts = {k: _packed(getattr(value, k), tensors) for k in ("data", "indices", "indptr")}
            return {"is": "sparse", "shape": [int(n) for n in value.shape], **parts}
        case nn.Module():
            return _packed_network(value, tensors)
        case np.random.RandomState():
            return None
        case BaseEstimator():
            return _packed_estimator(value, tensors)
        case _:
            return _packed_object(value, tensors)


def _packed_object(value: object, tensors: dict[str, Tensor]) -> Json:
    """Members of a choice, records and mappings."""
    name = type(value).__name__
    if isinstance(value, Enum) and name in _CHOICES:
        return {"is": "choice", "class": name, "value": str(value.value)}
    if is_dataclass(value) and name in _RECORDS:
        parts = {f.name: _packed(getattr(value, f.name), tensors) for f in fields(value)}
        return {"is": "record", "class": name, "fields": parts}
    if isinstance(value, dict):
        items = {str(key): _packed(part, tensors) for key, part in value.items()}
        return {"is": "dict", "items": items}
    raise StorageError("Could not save the model.", f"A {name} has no place in the file.")


def _packed_network(value: nn.Module, tensors: dict[str, Tensor]) -> Json:
    name = type(value).__name__
    if name not in _NETWORKS:
        raise StorageError("Could not save the model.", f"A {name} has no place in the file.")
    state = {key: _stored(part, tensors) for key, part in value.state_dict().items()}
    widths: list[Json] = [int(width) for width in getattr(value, "widths", ())]
    activation = str(getattr(value, "activation", ""))
    names: dict[str, Json] = dict(state)
    return {
        "is": "network",
        "class": name,
        "widths": widths,
        "activation": activation,
        "state": names,
    }


def _packed_estimator(value: BaseEstimator, tensors: dict[str, Tensor]) -> Json:
    name = type(value).__name__
    if name not in _ESTIMATORS:
        raise StorageError("Could not save the model.", f"A {name} has no place in the file.")
    parameters = value.get_params(deep=False)
    state = {key: part for key, part in vars(value).items() if key not in parameters}
    # the pretrained network lives on in the head's own; its settings are enough
    nested = parameters.get("autoencoder")
    if isinstance(nested, BaseEstimator):
        parameters["autoencoder"] = type(nested)(**nested.get_params(deep=False))
    return {
        "is": "estimator",
        "class": name,
        "parameters": {key: _packed(part, tensors) for key, part in parameters.items()},
        "state": {key: _packed(part, tensors) for key, part in state.items()},
    }


def _stored(value: np.ndarray | Tensor, tensors: dict[str, Tensor]) -> str:
    """Put an array among the tensors; gives its name."""
    tensor = value.detach().cpu() if isinstance(value, Tensor) else torch.from_numpy(value.copy())
    name = str(len(tensors))
    tensors[name] = tensor.contiguous().clone()
    return name


def _unpacked(value: Json, tensors: Mapping[str, Tensor]) -> object:
    """What `_packed` was given."""
    if not isinstance(value, dict):
        return value
    match value["is"]:
        case "float":
            return float(str(value["value"]))
        case "array":
            return tensors[str(value["name"])].numpy()
        case "list":
            return [_unpacked(item, tensors) for item in _items(value["items"])]
        case "tuple":
            return tuple(_unpacked(item, tensors) for item in _items(value["items"]))
        case "dict":
            return _mapping(value["items"], tensors)
        case "sparse":
            parts = [_unpacked(value[key], tensors) for key in ("data", "indices", "indptr")]
            matrix = sparse.csr_array(tuple(parts), shape=tuple(_items(value["shape"])))
            matrix.check_format(full_check=True)  # products trust the indices
            return matrix
        case "choice":
            return _class(value, _CHOICES)(str(value["value"]))
        case "record":
            return _class(value, _RECORDS)(**_mapping(value["fields"], tensors))
        case "network":
            return _unpacked_network(value, tensors)
        case "estimator":
            return _unpacked_estimator(value, tensors)
        case other:
            raise ValueError(f"{other!r} is unknown")


def _unpacked_network(value: dict[str, Json], tensors: Mapping[str, Tensor]) -> object:
    network = _class(value, _NETWORKS)(_items(value["widths"]), str(value["activation"]))
    if not isinstance(network, nn.Module) or not isinstance(value["state"], dict):
        raise TypeError("no network")
    network.load_state_dict({key: tensors[str(name)] for key, name in value["state"].items()})
    return network


def _unpacked_estimator(value: dict[str, Json], tensors: Mapping[str, Tensor]) -> object:
    model = _class(value, _ESTIMATORS)(**_mapping(value["parameters"], tensors))
    for key, part in _mapping(value["state"], tensors).items():
        is_learned = key.endswith("_") or key.startswith("_")
        if not is_learned or key.startswith("__") or callable(getattr(type(model), key, None)):
            raise ValueError(f"{key!r} is not learned")
        setattr(model, key, part)
    return model


def _class(value: dict[str, Json], table: Mapping[str, str]) -> type:
    """A class of a table."""
    name = str(value["class"])
    found = getattr(import_module(table[name]), name)
    if not isinstance(found, type):
        raise TypeError(f"{name} is no class")
    return found


def _items(value: Json) -> list[Json]:
    if not isinstance(value, list):
        raise TypeError("no list")
    return value


def _mapping(value: Json, tensors: Mapping[str, Tensor]) -> dict[str, object]:
    if not isinstance(value, dict):
        raise TypeError("no mapping")
    return {key: _unpacked(part, tensors) for key, part in value.items()}
