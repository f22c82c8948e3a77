"""Which device computes: an NVIDIA card, Apple's GPU, or the processor."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from dclust_gui.domain.control import EventSink, ignore_events
from dclust_gui.domain.errors import InputError
from dclust_gui.domain.events import Notice, Severity


class DeviceKind(StrEnum):
    """Kinds of devices, as they are named on the command line."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"
    MPS = "mps"


@dataclass(frozen=True, slots=True)
class Device:
    """A device that was tried and works.

    Attributes:
        kind: Never `AUTO`.
        name: For people, such as "NVIDIA H100" or "CPU (Intel Xeon)".
        index: Which of several cards; 0 elsewhere.
    """

    kind: DeviceKind
    name: str
    index: int = 0

    @property
    def torch_name(self) -> str:
        """The name that torch takes: "cpu", "mps", "cuda:0"."""
        return f"cuda:{self.index}" if self.kind is DeviceKind.CUDA else self.kind.value


def pick_device(wanted: str = "auto", sink: EventSink = ignore_events) -> Device:
    """Choose the device and try it with a small computation. Imports torch unless "cpu" is asked.

    A card can be listed and still be of no use (too old for this build of PyTorch, a driver that
    does not fit), so it counts only when a kernel has run on it.

    Args:
        wanted: "auto", "cpu", "cuda", "cuda:N" or "mps". "auto" takes CUDA, then MPS, then CPU.
        sink: Told when "auto" has to leave a present GPU aside.

    Returns:
        A device that works.

    Raises:
        InputError: If the name is unknown, or the device asked for is absent or does not work.
    """
    kind, index = _parse(wanted)
    if kind is DeviceKind.CPU:
        return cpu_device()
    if kind is not DeviceKind.AUTO:
        device, reason = _try_gpu(kind, index)
        if device is None:
            raise InputError(
                f"The device '{wanted}' cannot be used.", reason, "Use --device auto or cpu."
            )
        return device
    for candidate in (DeviceKind.CUDA, DeviceKind.MPS):
        if not _is_listed(candidate):
            continue
        device, reason = _try_gpu(candidate, 0)
        if device is not None:
            return device
        sink(Notice(Severity.WARNING, f"The GPU is left aside: {reason} The processor is used."))
    return cpu_device()


def check_device_name(wanted: str) -> None:
    """Find out before any work that a device's name is wrong; imports nothing.

    Raises:
        InputError: If the name is unknown.
    """
    _parse(wanted)


def cpu_device() -> Device:
    """The processor, with its model name where the system tells it."""
    model = _processor_name()
    return Device(DeviceKind.CPU, f"CPU ({model})" if model else "CPU")


def _parse(wanted: str) -> tuple[DeviceKind, int]:
    """Kind and index of a device name."""
    name, _, number = wanted.strip().lower().partition(":")
    known = name in list(DeviceKind)
    if not known or (number and (name != DeviceKind.CUDA or not number.isdigit())):
        raise InputError(
            f"There is no device '{wanted}'.", "", "Use auto, cpu, cuda, cuda:N or mps."
        )
    return DeviceKind(name), int(number or 0)


def _is_listed(kind: DeviceKind) -> bool:
    """Whether this build of torch knows the kind and the system has one."""
    import torch  # noqa: PLC0415 -- 2 s; only when a GPU may be used

    if kind is DeviceKind.CUDA:
        return torch.cuda.is_available() and torch.cuda.device_count() > 0
    return torch.backends.mps.is_available()


def _try_gpu(kind: DeviceKind, index: int) -> tuple[Device | None, str]:
    """Run a tiny kernel; the device, or None and the reason in words."""
    import torch  # noqa: PLC0415 -- 2 s; only when a GPU may be used

    if not _is_listed(kind):
        what = "no CUDA device" if kind is DeviceKind.CUDA else "no Apple GPU"
        return None, f"PyTorch {torch.__version__} finds {what} on this computer."
    if kind is DeviceKind.CUDA and index >= torch.cuda.device_count():
        return None, f"There are {torch.cuda.device_count()} CUDA devices, counted from 0."
    name = torch.cuda.get_device_name(index) if kind is DeviceKind.CUDA else "Apple GPU"
    device = Device(kind, name, index)
    try:
        ones = torch.ones(8, 8, device=device.torch_name)
        works = float((ones @ ones).sum().item()) == 512.0
    except (RuntimeError, NotImplementedError) as error:
        return None, f"{name} does not work with PyTorch {torch.__version__} ({_line(error)})."
    return (device, "") if works else (None, f"{name} computes wrong results.")


def _line(error: Exception) -> str:
    """First line of an error's text."""
    return next(iter(str(error).splitlines()), type(error).__name__).rstrip(".")


def _processor_name() -> str:
    """Model name of the processor; empty when unknown."""
    try:
        text = Path("/proc/cpuinfo").read_text("utf-8", "replace")
    except OSError:
        return platform.processor()
    for line in text.splitlines():
        if line.startswith("model name"):
            return " ".join(line.partition(":")[2].split())
    return platform.processor()
