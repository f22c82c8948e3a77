"""A student's file: the same answers after reading, no code run, ONNX that others can read."""

from __future__ import annotations

import json
import pickle
import struct
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from dclust_gui.algorithms.distances import scale_features
from dclust_gui.algorithms.student import StudentClassifier
from dclust_gui.algorithms.student.files import (
    StudentFacts,
    TaughtCluster,
    TaughtStudent,
    read_student,
    student_bytes,
)
from dclust_gui.algorithms.student.onnx_file import Graph, model_bytes, read_metadata
from dclust_gui.domain.errors import StorageError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def features() -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    random = np.random.default_rng(0)
    labels = np.repeat([4, 9], 20).astype(np.int32)
    rows = random.normal(size=(40, 6)) * 0.3 + 2.0
    rows[labels == 9, 0] += 3.0
    return rows.astype(np.float32), labels


def taught(kind: str = "linear", scaling: str = "centre-l2") -> TaughtStudent:
    rows, labels = features()
    scaled, scale = scale_features(rows, scaling)
    student = StudentClassifier(kind, folds=2, max_epochs=10, random_state=0).fit(scaled, labels)
    clusters = (TaughtCluster(4, "Möwe", 1, 20), TaughtCluster(9, "", 2, 20))
    facts = StudentFacts(
        "1.0", "2026-11-21T12:00:00+00:00", "birds", "lite0", "ab" * 16, "tf_lite0", "fast",
        (224, 224), 0.875, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), "bicubic", clusters, ("Other",), 40, 3,
    )  # fmt: skip
    return TaughtStudent(student, scale, facts)


@pytest.mark.parametrize("suffix", [".pt", ".onnx"])
@pytest.mark.parametrize("scaling", ["none", "l2", "centre-l2", "standard", "minmax"])
def test_what_is_read_answers_as_what_was_written(
    tmp_path: Path, suffix: str, scaling: str
) -> None:
    before = taught("mlp" if scaling == "l2" else "linear", scaling)
    path = tmp_path / f"m{suffix}"
    path.write_bytes(student_bytes(before, suffix))
    after = read_student(path)
    rows = features()[0]
    first, second = (model.student.sort(model.scale.apply(rows)) for model in (before, after))
    np.testing.assert_array_equal(first.confidence, second.confidence)
    np.testing.assert_array_equal(first.is_sorted, second.is_sorted)
    assert after.facts == before.facts
    assert after.student.threshold_ == before.student.threshold_
    assert after.student.accuracy_ == pytest.approx(before.student.accuracy_, nan_ok=True)
    assert np.isnan(after.student.edited_accuracy_)


def test_torch_reads_it_without_running_code(tmp_path: Path) -> None:
    path = tmp_path / "m.pt"
    path.write_bytes(student_bytes(taught(), ".pt"))
    found = torch.load(path, weights_only=True)  # noqa: TID251 -- what is tested
    assert found["format"] == "dclust student"


def test_onnx_names_the_classes_and_computes_what_the_student_does(tmp_path: Path) -> None:
    before = taught("mlp")
    data = student_bytes(before, ".onnx")
    metadata = read_metadata(data)
    assert metadata["class_names"] == '["Möwe", "Cluster 09"]'
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    session = runtime.InferenceSession(data)
    rows = features()[0]
    shares, away = session.run(["probabilities", "distance"], {"features": rows})
    scaled = before.scale.apply(rows)
    np.testing.assert_allclose(shares, before.student.predict_proba(scaled), atol=1e-5)
    own = before.student.guard_.distance(scaled, np.zeros(len(rows), np.int64))
    np.testing.assert_allclose(away[:, 0], own, atol=1e-3)


class Hostile:
    """Would run code if it were unpickled."""

    def __reduce__(self) -> tuple[object, ...]:
        return (print, ("hostile",))


def test_code_in_a_file_is_refused_and_not_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "m.pt"
    torch.save({"format": Hostile()}, path)
    with pytest.raises(StorageError, match="never run"):
        read_student(path)
    path.write_bytes(pickle.dumps(Hostile()))
    with pytest.raises(StorageError):
        read_student(path)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("suffix", [".pt", ".onnx"])
def test_damaged_and_foreign_files_are_refused(tmp_path: Path, suffix: str) -> None:
    whole = student_bytes(taught(), suffix)
    path = tmp_path / f"m{suffix}"
    for content in (b"", b"no model", whole[: len(whole) // 2], whole[100:]):
        path.write_bytes(content)
        with pytest.raises(StorageError, match=f"m{suffix}"):
            read_student(path)
    with pytest.raises(StorageError, match="No such file"):
        read_student(tmp_path / f"none{suffix}")


def test_numbers_may_come_in_any_order(tmp_path: Path) -> None:
    before = taught("mlp")
    path = tmp_path / "m.pt"
    path.write_bytes(student_bytes(before, ".pt"))
    found = torch.load(path, weights_only=True)  # noqa: TID251 -- a file changed on purpose
    found["tensors"] = dict(reversed(found["tensors"].items()))  # safetensors keeps no order
    torch.save(found, path)
    rows = before.scale.apply(features()[0])
    after = read_student(path).student.predict_proba(rows)
    np.testing.assert_array_equal(after, before.student.predict_proba(rows))


def test_parts_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.pt"
    path.write_bytes(student_bytes(taught(), ".pt"))
    found = torch.load(path, weights_only=True)  # noqa: TID251 -- a file changed on purpose
    found["tensors"]["guard.means"] = torch.zeros(3, 6)
    torch.save(found, path)
    with pytest.raises(StorageError, match="not written by"):
        read_student(path)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("threshold", float("nan")),
        ("threshold", -1.0),
        ("temperature", 0.0),
        ("temperature", float("nan")),
        ("fingerprint", None),
        ("widths", [6, 1_000_000_000, 2]),
        ("clusters", [{"id": 4, "name": "", "colour": 1, "images": 20}] * 2),
        ("clusters", [{"id": n, "name": "", "colour": 1, "images": 20} for n in (-1, 9)]),
        ("clusters", [{"id": n, "name": "", "colour": 1, "images": 20} for n in (4, 2**40)]),
    ],
)
def test_facts_that_would_sort_nonsense_are_refused(
    tmp_path: Path, key: str, value: object
) -> None:
    path = tmp_path / "m.pt"
    path.write_bytes(student_bytes(taught(), ".pt"))
    found = torch.load(path, weights_only=True)  # noqa: TID251 -- a file changed on purpose
    found["facts"] = json.dumps({**json.loads(found["facts"]), key: value})
    torch.save(found, path)
    with pytest.raises(StorageError, match="not written by"):
        read_student(path)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["layer.layers.0.weight", "scale.offset", "guard.means"])
def test_undefined_numbers_are_refused(tmp_path: Path, name: str, number: float) -> None:
    path = tmp_path / "m.pt"
    path.write_bytes(student_bytes(taught(), ".pt"))
    found = torch.load(path, weights_only=True)  # noqa: TID251 -- a file changed on purpose
    found["tensors"][name].view(-1)[0] = number
    torch.save(found, path)
    with pytest.raises(StorageError, match="not written by"):
        read_student(path)


def test_metadata_of_another_writer_is_found_between_other_fields() -> None:
    data = model_bytes(Graph("g"), {"a": [1]}, {"b": [2]}, {"key": "value"}, ("x", "1"))
    fixed = struct.pack("<B", 99 << 3 & 0x7F | 5) + b"1234"
    assert read_metadata(fixed + data) == {"key": "value"}
    with pytest.raises(ValueError, match="early"):
        read_metadata(data[:-1])
