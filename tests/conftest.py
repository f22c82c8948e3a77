"""What every test may need: no screen, private user folders, made-up images, the command line."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
import pytest
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from dclust_gui.features.backbones import BackboneSpec

REPOSITORY = Path(__file__).parents[1]
SECONDS = 90.0
"""After which a process started by a test counts as hanging."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A command that has ended.

    Attributes:
        code: Its exit code; negative where a signal ended it.
        out: What it printed.
        err: What it printed on the error stream.
    """

    code: int
    out: str
    err: str

    @property
    def error_line(self) -> str:
        """The one line of a failure; empty where there is none or another number of lines."""
        lines = self.err.splitlines()
        return lines[0] if len(lines) == 1 else ""


class Dclust(Protocol):
    """Runs the command line."""

    def __call__(self, *arguments: object) -> Finished:
        """Run one command."""


class MakeImages(Protocol):
    """Makes small image collections."""

    def __call__(self, folder: Path, classes: int = 3, each: int = 4, side: int = 32) -> list[Path]:
        """Write `each` images of each class, in one folder per class."""


@pytest.fixture(autouse=True)
def private_user_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Point cache and data folders of the user to a temporary place."""
    monkeypatch.setenv("DCLUST_CACHE_DIR", str(tmp_path / "user-cache"))
    monkeypatch.setenv("DCLUST_DATA_DIR", str(tmp_path / "user-data"))


# -- images --------------------------------------------------------------------------------


def _picture(kind: int, number: int, side: int) -> NDArray[np.uint8]:
    """A disc, a square or stripes in the colour of its class, over noise; all are different."""
    random = np.random.default_rng([kind, number])
    pixels = random.integers(0, 60, (side, side, 3)).astype(np.uint8)
    y, x = np.mgrid[:side, :side] - side / 2 + random.integers(-2, 3)
    shapes = (x**2 + y**2 < (side / 3) ** 2, abs(x) + 0 * y < side / 5, (x + y) % 8 < 4)
    colours = ((230, 20, 20), (20, 220, 40), (40, 60, 250), (240, 220, 20))
    pixels[shapes[kind % 3]] = colours[kind % 4]
    return pixels


def _make_images(folder: Path, classes: int = 3, each: int = 4, side: int = 32) -> list[Path]:
    paths = []
    for kind in range(classes):
        place = folder / f"class {kind}"
        place.mkdir(parents=True, exist_ok=True)
        for number in range(each):
            path = place / f"image-{number:02d}.{'jpg' if number % 2 else 'png'}"
            Image.fromarray(_picture(kind, number, side)).save(path)
            paths.append(path)
    return paths


@pytest.fixture(scope="session")
def make_images() -> MakeImages:
    """Makes collections of small images, a folder per class."""
    return _make_images


def _write_photo(
    path: Path,
    picture: Image.Image,
    taken: str = "",
    camera: str = "Acme One",
    bias: float | None = None,
    fraction: str = "",
    exposure_s: float | None = None,
) -> Path:
    exif = Image.Exif()
    maker, _, model = camera.partition(" ")
    exif[0x010F], exif[0x0110] = maker, model
    inner = exif.get_ifd(0x8769)
    if taken:
        inner[0x9003] = taken
    if fraction:
        inner[0x9291] = fraction
    if bias is not None:
        inner[0x9204] = bias
    if exposure_s is not None:
        inner[0x829A] = exposure_s
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, quality=92, exif=exif)
    return path


@pytest.fixture(scope="session")
def write_photo() -> Callable[..., Path]:
    """Writes a picture with EXIF: (path, picture, taken, camera, bias, fraction, exposure_s)."""
    return _write_photo


@pytest.fixture(scope="session")
def make_picture() -> Callable[[int, int, int], NDArray[np.uint8]]:
    """Pixels of one image, by class, number and side."""
    return _picture


# -- the command line ----------------------------------------------------------------------


class ColourExtractor:
    """Takes the place of the network: features are coarse colours, at no cost.

    Args:
        spec: The backbone whose width is to be met.
        log: Takes the number of images of each call.
    """

    min_side = 32
    batch_size = 4

    def __init__(self, spec: BackboneSpec, log: list[int]) -> None:
        self.dims = spec.dims
        self._log = log

    @property
    def device(self) -> ColourExtractor:
        """Stands for a device."""
        return self

    @property
    def name(self) -> str:
        """The device's name."""
        return "test device"

    def classifier(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Sees a tench in red, a goldfish in green and a great white shark in blue."""
        weights = np.zeros((1000, self.dims), np.float32)
        for channel in range(3):
            weights[channel, channel:192:3] = 1
        bias = np.full(1000, -50, np.float32)
        bias[:3] = 0
        return weights, bias

    def prepare(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Shrink a picture to 8 x 8."""
        return np.asarray(Image.fromarray(pixels).resize((8, 8), Image.Resampling.BOX))

    def extract(self, batch: Sequence[NDArray[np.uint8]]) -> NDArray[np.float16]:
        """Colours as features."""
        self._log.append(len(batch))
        features = np.zeros((len(batch), self.dims), np.float16)
        features[:, :192] = np.stack(batch).reshape(len(batch), 192) / np.float16(255)
        return features


@pytest.fixture
def embedded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Replaces the network by `ColourExtractor`; lists the images of each of its calls."""
    log: list[int] = []

    def build(spec: BackboneSpec, *_: object, **__: object) -> ColourExtractor:
        return ColourExtractor(spec, log)

    monkeypatch.setattr("dclust_gui.features.extractor.FeatureExtractor", build)
    return log


@pytest.fixture
def dclust(embedded: list[int], capsys: pytest.CaptureFixture[str]) -> Dclust:
    """Runs a command in this process, without the network."""
    from dclust_gui.cli.main import run

    def command(*arguments: object) -> Finished:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments], lambda _: 0)
        told = capsys.readouterr()
        return Finished(code, told.out, told.err)

    return command


@pytest.fixture
def start_dclust() -> Callable[..., subprocess.Popen[str]]:
    """Starts a command as a process of its own, as a user would."""

    def start(*arguments: object, **variables: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "dclust_gui", *map(str, arguments)]
        settings = {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(REPOSITORY), "COLUMNS": "200"}
        return subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            env=os.environ | settings | variables,
            start_new_session=True,
        )

    return start


@pytest.fixture
def run_dclust(start_dclust: Callable[..., subprocess.Popen[str]]) -> Dclust:
    """Runs a command as a process of its own and waits for its end."""

    def command(*arguments: object) -> Finished:
        process = start_dclust(*arguments)
        out, err = process.communicate(timeout=SECONDS)
        return Finished(process.returncode, out, err)

    return command
