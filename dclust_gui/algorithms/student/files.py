"""Keeps a student with all that is needed to sort images elsewhere: as .pt, or as .onnx.

`.pt` is a dictionary of texts, numbers and tensors that `torch.load(weights_only=True)` reads; no
code from a file is ever run. `.onnx` is a graph for other programs (`onnx_student.py`); its
metadata holds the class names and the same facts and numbers as the `.pt`, so that dclust reads it
back without the package onnx.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import pickle
import warnings
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as tensor_bytes
from torch import Tensor

from dclust_gui.algorithms.deep.networks import DenseLayers
from dclust_gui.algorithms.distances import FeatureScale, Scaling
from dclust_gui.algorithms.student.classifier import StudentClassifier
from dclust_gui.algorithms.student.file_checks import check_parts
from dclust_gui.algorithms.student.guard import Guard
from dclust_gui.algorithms.student.onnx_file import read_metadata
from dclust_gui.algorithms.student.onnx_student import Sight, onnx_bytes
from dclust_gui.domain.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

FORMAT = "dclust student"
VERSION = 1
SUFFIXES = (".pt", ".onnx")
_MEASURES = (
    "accuracy_",
    "edited_accuracy_",
    "calibration_error_",
    "sorted_share_",
    "sorted_accuracy_",
)
_LARGEST = 1 << 30


@dataclass(frozen=True, slots=True)
class TaughtCluster:
    """A class of a student.

    Attributes:
        id: The cluster's id in its project.
        name: Its name; empty while it had none.
        colour: Its palette index.
        images: How many images it had.
    """

    id: int
    name: str
    colour: int
    images: int


@dataclass(frozen=True, slots=True)
class StudentFacts:
    """Where a student comes from and what it must be fed.

    Attributes:
        dclust: Version of the program.
        created: ISO 8601 time with offset.
        project: Name of the project.
        backbone: As it is named on the command line.
        fingerprint: Of the backbone; features of another one are refused.
        timm_name: timm's name of the architecture.
        quality: How images are looked at.
        input_size: Height and width of the network's input.
        crop_pct: Part of the scaled picture that the centre crop keeps.
        mean: Per channel, subtracted from pixels in [0, 1].
        std: Per channel, divided by after that.
        interpolation: Name of the resize filter.
        clusters: The classes, in the order of the probabilities.
        left_out: Titles of clusters with too few images.
        n_images: Images that it was taught and measured on.
        n_edited: Images among them that a person placed or approved.
    """

    dclust: str
    created: str
    project: str
    backbone: str
    fingerprint: str
    timm_name: str
    quality: str
    input_size: tuple[int, int]
    crop_pct: float
    mean: tuple[float, ...]
    std: tuple[float, ...]
    interpolation: str
    clusters: tuple[TaughtCluster, ...]
    left_out: tuple[str, ...]
    n_images: int
    n_edited: int


@dataclass(frozen=True, slots=True, eq=False)
class TaughtStudent:
    """A student that can sort images.

    Attributes:
        student: Fitted to scaled features; its classes are ids of `facts.clusters`.
        scale: What is done to features first.
        facts: Everything else.
    """

    student: StudentClassifier
    scale: FeatureScale
    facts: StudentFacts


def student_bytes(taught: TaughtStudent, suffix: str, sight: Sight | None = None) -> bytes:
    """A student as the content of a file.

    Args:
        taught: The student.
        suffix: ".pt" or ".onnx".
        sight: The network that gives the features, for ".onnx"; without it the graph begins at
            the features.

    Raises:
        UnknownOperatorError: If that network cannot be written.
    """
    facts, tensors = _packed(taught)
    if suffix == ".onnx":
        titles = [cluster.name or f"Cluster {cluster.id:02d}" for cluster in taught.facts.clusters]
        metadata = {
            "class_names": json.dumps(titles, ensure_ascii=False),
            "threshold": repr(float(taught.student.threshold_)),
            "dclust": facts,
            "dclust.numbers": base64.b64encode(tensor_bytes(dict(tensors))).decode(),
        }
        return onnx_bytes(taught.student, taught.scale, sight, metadata, taught.facts.dclust)
    from io import BytesIO  # noqa: PLC0415 -- the other kind has no need of it

    found = BytesIO()
    torch.save({"format": FORMAT, "version": VERSION, "facts": facts, "tensors": tensors}, found)
    return found.getvalue()


def read_student(path: Path) -> TaughtStudent:
    """Read a student from a .pt or .onnx file; no code from the file is run.

    Raises:
        StorageError: If it cannot be read, or dclust did not write it.
    """
    what = f"Could not read the model '{path.name}'."
    try:
        if path.stat().st_size > _LARGEST:
            raise StorageError(what, "It is too large for a model of 'dclust distil'.")
        facts, tensors = _from_onnx(path) if path.suffix.lower() == ".onnx" else _from_pt(path)
        return _unpacked(facts, tensors)
    except OSError as error:
        raise StorageError(what, f"{error.strerror or error}.") from error
    except pickle.UnpicklingError as error:
        why = "It is damaged, or holds more than numbers; code from a file is never run."
        raise StorageError(what, why) from error
    except (
        KeyError, TypeError, ValueError, AttributeError, RuntimeError, EOFError, SafetensorError,
        binascii.Error, RecursionError,
    ) as error:  # fmt: skip
        hint = "Make one with 'dclust distil PROJECT OUT.pt'."
        why = "It was not written by 'dclust distil' of this or an older version, or is damaged."
        raise StorageError(what, why, hint) from error


# -- writing -------------------------------------------------------------------------------


def _packed(taught: TaughtStudent) -> tuple[str, dict[str, Tensor]]:
    """All facts as JSON text, and all numbers."""
    student, scale = taught.student, taught.scale
    measures = {name: _finite(getattr(student, name)) for name in _MEASURES}
    facts = {
        **asdict(taught.facts),
        "scale": scale.how.value,
        "widths": list(student.network_.widths),
        "temperature": student.temperature_,
        "threshold": student.threshold_,
        "n_taught": student.n_taught_,
        "n_iter": student.n_iter_,
        "note": student.note_,
        "kind": student.kind,
        "folds": student.folds,
        "precision": student.precision,
        "measures": measures,
    }
    tensors = {f"layer.{key}": part for key, part in student.network_.state_dict().items()}
    for name, values in (
        ("scale.offset", scale.offset),
        ("scale.factor", scale.factor),
        ("guard.means", student.guard_.means),
        ("guard.reach", student.guard_.reach),
    ):
        tensors[name] = torch.from_numpy(np.ascontiguousarray(values))
    return json.dumps(facts, ensure_ascii=False, allow_nan=False), tensors


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


# -- reading -------------------------------------------------------------------------------


def _from_pt(path: Path) -> tuple[str, dict[str, Tensor]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the pickle protocol of files that are refused
        found = torch.load(path, map_location="cpu", weights_only=True)  # noqa: TID251 -- safe mode
    if found["format"] != FORMAT or found["version"] != VERSION:
        raise ValueError("another format")
    return str(found["facts"]), dict(found["tensors"])


def _from_onnx(path: Path) -> tuple[str, dict[str, Tensor]]:
    metadata = read_metadata(path.read_bytes())
    numbers = base64.b64decode(metadata["dclust.numbers"], validate=True)
    return metadata["dclust"], load_tensors(numbers)


def _unpacked(text: str, tensors: Mapping[str, Tensor]) -> TaughtStudent:
    """What `_packed` was given; every size is checked against the others."""
    values = json.loads(text)
    check_parts(values, tensors)
    facts = _facts(values)
    student = StudentClassifier(
        str(values["kind"]), folds=int(values["folds"]), precision=float(values["precision"])
    )
    widths = [int(width) for width in values["widths"]]
    network = DenseLayers(widths, "relu")
    prefix = "layer."
    state = {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
    network.load_state_dict(state)
    network.requires_grad_(False)  # noqa: FBT003 -- torch's own signature
    means, reach = _array(tensors, "guard.means"), _array(tensors, "guard.reach")
    offset, factor = _array(tensors, "scale.offset"), _array(tensors, "scale.factor")
    count, width = widths[-1], widths[0]
    fits = means.shape == (count, width) and reach.shape == (count,)
    if not fits or len(facts.clusters) != count or {len(offset), len(factor)} - {0, width}:
        raise ValueError("the parts do not fit together")
    student.network_, student.n_features_in_ = network, width
    student.classes_ = np.array([cluster.id for cluster in facts.clusters], np.int32)
    student.left_out_ = np.empty(0, np.int32)
    student.guard_ = Guard(means.astype(np.float32), reach.astype(np.float32))
    student.temperature_ = float(values["temperature"])
    student.threshold_ = float(values["threshold"])
    student.n_taught_, student.n_iter_ = int(values["n_taught"]), int(values["n_iter"])
    student.note_ = str(values["note"])
    student.held_out_proba_ = np.empty((0, count), np.float32)
    for name in _MEASURES:
        value = values["measures"][name]
        setattr(student, name, float("nan") if value is None else float(value))
    scale = FeatureScale(
        Scaling(values["scale"]), offset.astype(np.float64), factor.astype(np.float64)
    )
    return TaughtStudent(student, scale, facts)


def _facts(values: dict[str, Any]) -> StudentFacts:
    names = {f.name for f in fields(StudentFacts)}
    known: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in values.items()
        if key in names
    }
    known["clusters"] = tuple(
        TaughtCluster(int(c["id"]), str(c["name"]), int(c["colour"]), int(c["images"]))
        for c in values["clusters"]
    )
    return StudentFacts(**known)


def _array(tensors: Mapping[str, Tensor], name: str) -> NDArray[np.generic]:
    found: NDArray[np.generic] = tensors[name].numpy()
    return found
