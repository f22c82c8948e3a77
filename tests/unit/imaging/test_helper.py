from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from dclust_gui.domain.control import Cancelled, CancelToken
from dclust_gui.domain.images import ImageStatus
from dclust_gui.imaging.decode import DecodeLimits, ImageReader
from dclust_gui.imaging.helper import helper_command

if TYPE_CHECKING:
    import numpy as np

Encoder = Callable[..., bytes]
ROOT = Path(__file__).parents[3]

INJECT = """
import os, sys, time
sys.path.insert(0, sys.argv.pop(1))
from dclust_gui.imaging import hard, helper_child
real = hard.HardDecoder.decode
def decode(self, data, format_name, fit):
    if b"HANG" in data[-16:]:
        time.sleep(600)
    if b"DIE!" in data[-16:]:
        os._exit(139)
    if b"FILL" in data[-16:]:
        hog = bytearray(3 << 30)
    return real(self, data, format_name, fit)
hard.HardDecoder.decode = decode
helper_child.main(sys.argv[1:])
"""


@pytest.fixture
def avif(encode: Encoder, quadrants: np.ndarray, tmp_path: Path) -> Callable[[bytes], Path]:
    content = encode(quadrants, "AVIF")

    def write(tail: bytes) -> Path:
        path = tmp_path / f"{tail.decode() or 'good'}.avif"
        path.write_bytes(content + tail)
        return path

    return write


def injected(seconds: float = 20.0) -> ImageReader:
    command = (sys.executable, "-P", "-c", INJECT, str(ROOT))
    return ImageReader(DecodeLimits(helper_seconds=seconds), helper_command=command)


def children() -> set[int]:
    return {child.pid for child in psutil.Process().children(recursive=True)}


def test_a_helper_that_hangs_is_stopped_and_replaced(avif: Callable[[bytes], Path]) -> None:
    with injected(0.5) as reader:
        started = time.monotonic()
        result = reader.read(avif(b"HANG"), 64)
        assert time.monotonic() - started < 5
        assert result.facts.status is ImageStatus.UNREADABLE
        assert "longer than 0.5 seconds" in result.facts.reason
        assert len(result.content) == 16
        assert reader.read(avif(b""), 64).facts.status is ImageStatus.OK


def test_a_helper_that_dies_is_replaced(avif: Callable[[bytes], Path]) -> None:
    with injected() as reader:
        assert reader.read(avif(b""), 64).facts.status is ImageStatus.OK
        assert "crashed" in reader.read(avif(b"DIE!"), 64).facts.reason
        assert reader.read(avif(b""), 64).facts.status is ImageStatus.OK


@pytest.mark.skipif(sys.platform != "linux", reason="address space is limited on Linux only")
def test_a_helper_that_takes_too_much_memory_refuses_the_file(
    avif: Callable[[bytes], Path],
) -> None:
    with injected() as reader:
        assert "memory" in reader.read(avif(b"FILL"), 64).facts.reason
        assert reader.read(avif(b""), 64).facts.status is ImageStatus.OK


def test_a_helper_killed_between_two_files_is_not_noticed(avif: Callable[[bytes], Path]) -> None:
    before = children()
    with ImageReader() as reader:
        reader.read(avif(b""), 64)
        (pid,) = children() - before
        psutil.Process(pid).kill()
        assert reader.read(avif(b""), 64).facts.status is ImageStatus.OK


def test_cancel_while_waiting_frees_within_half_a_second(avif: Callable[[bytes], Path]) -> None:
    token = CancelToken()
    with injected() as reader:
        reader.read(avif(b""), 64)
        threading.Timer(0.2, token.cancel).start()
        started = time.monotonic()
        with pytest.raises(Cancelled):
            reader.read(avif(b"HANG"), 64, token)
        assert time.monotonic() - started < 0.7


def test_cancel_while_waiting_for_a_free_helper(avif: Callable[[bytes], Path]) -> None:
    reader = injected()
    hanging = avif(b"HANG")
    outcomes: list[str] = []

    def read_hanging() -> None:
        try:
            reader.read(hanging, 64)
        except Cancelled:
            outcomes.append("cancelled")

    thread = threading.Thread(target=read_hanging)
    thread.start()
    token = CancelToken()
    threading.Timer(0.3, token.cancel).start()
    with pytest.raises(Cancelled):
        reader.read(avif(b""), 64, token)
    reader.close()
    thread.join(5)
    assert outcomes == ["cancelled"]


def test_nothing_starts_before_it_is_needed_and_nothing_is_left(
    avif: Callable[[bytes], Path], encode: Encoder, quadrants: np.ndarray
) -> None:
    before = children()
    reader = ImageReader(helpers=2)
    reader.decode(encode(quadrants, "JPEG"), "a.jpg", 64)
    assert children() == before
    reader.read(avif(b""), 64)
    assert len(children() - before) == 1
    reader.close()
    assert children() == before


def test_helper_ends_when_its_parent_is_gone() -> None:
    command = (*helper_command(), "20", str(1 << 30))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as helper:
        assert helper.stdin
        assert helper.stdout
        assert helper.stdout.read(12)
        helper.stdin.close()
        assert helper.wait(5) == 0


def test_helper_imports_no_torch_and_no_qt() -> None:
    code = (
        "import sys, dclust_gui.imaging.helper_child;"
        "print([m for m in ('torch', 'PySide6', 'sklearn', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_a_helper_that_cannot_start_is_a_reason(avif: Callable[[bytes], Path]) -> None:
    with ImageReader(helper_command=(sys.executable, "-c", "raise SystemExit(3)")) as reader:
        result = reader.read(avif(b""), 64)
        assert "could not be started" in result.facts.reason
        assert result.content == b""
    with ImageReader(helper_command=("/nonexistent/python",)) as reader:
        assert "could not be started" in reader.read(avif(b""), 64).facts.reason
