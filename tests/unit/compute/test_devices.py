"""Choosing a device, and falling back from one that is listed but does not work."""

from __future__ import annotations

import pytest
import torch

from dclust_gui.compute.devices import Device, DeviceKind, cpu_device, pick_device
from dclust_gui.domain.errors import InputError
from dclust_gui.domain.events import Event, Notice, Severity


@pytest.fixture
def broken_card(monkeypatch: pytest.MonkeyPatch) -> None:
    """A CUDA card that torch lists and cannot run anything on."""

    def fail(*_args: object, **_options: object) -> torch.Tensor:
        raise RuntimeError("CUDA error: no kernel image is available\nmore lines")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _index: "Old Card")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(torch, "ones", fail)


def test_cpu_has_a_readable_name() -> None:
    device = pick_device("cpu")
    assert device == cpu_device()
    assert device.kind is DeviceKind.CPU
    assert device.name.startswith("CPU")
    assert device.torch_name == "cpu"


@pytest.mark.parametrize("name", ["gpu", "cuda:x", "cpu:1", ""])
def test_unknown_names_are_refused(name: str) -> None:
    with pytest.raises(InputError, match="There is no device"):
        pick_device(name)


def test_asking_for_an_absent_card_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match="no CUDA device"):
        pick_device("cuda")


def test_auto_without_a_card_takes_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    events: list[Event] = []
    assert pick_device("auto", events.append).kind is DeviceKind.CPU
    assert events == []


@pytest.mark.usefixtures("broken_card")
def test_auto_leaves_a_card_aside_that_cannot_compute_and_says_so() -> None:
    events: list[Event] = []
    assert pick_device("auto", events.append).kind is DeviceKind.CPU
    (notice,) = events
    assert isinstance(notice, Notice)
    assert notice.severity is Severity.WARNING
    assert "Old Card" in notice.text
    assert "no kernel image" in notice.text


@pytest.mark.usefixtures("broken_card")
def test_asking_for_a_card_that_cannot_compute_is_an_error() -> None:
    with pytest.raises(InputError, match="Old Card does not work"):
        pick_device("cuda")
    with pytest.raises(InputError, match="counted from 0"):
        pick_device("cuda:3")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_auto_takes_a_working_card() -> None:
    assert pick_device("auto") == Device(DeviceKind.CUDA, torch.cuda.get_device_name(0), 0)
