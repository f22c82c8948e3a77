"""Generated image files, and the sample data where it lies beside the checkout."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from dclust_gui.imaging.decode import ImageReader

Encoder = Callable[..., bytes]

P3 = ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407))


@pytest.fixture
def reader() -> Iterator[ImageReader]:
    with ImageReader() as made:
        yield made


@pytest.fixture
def encode() -> Encoder:
    def to_bytes(
        picture: Image.Image | npt.NDArray[np.generic], kind: str, **options: object
    ) -> bytes:
        if isinstance(picture, np.ndarray):
            picture = Image.fromarray(picture)
        out = io.BytesIO()
        picture.save(out, kind, **options)
        return out.getvalue()

    return to_bytes


@pytest.fixture
def quadrants() -> npt.NDArray[np.uint8]:
    """320 x 480 pixels: red, green / blue, white."""
    pixels = np.zeros((320, 480, 3), np.uint8)
    pixels[:160, :240] = (220, 20, 20)
    pixels[:160, 240:] = (20, 220, 20)
    pixels[160:, :240] = (20, 20, 220)
    pixels[160:, 240:] = (250, 250, 250)
    return pixels


@pytest.fixture
def noise() -> npt.NDArray[np.uint8]:
    """400 x 600 smooth random colours: nothing of it is constant."""
    small = np.random.default_rng(0).integers(0, 255, (20, 30, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(small).resize((600, 400), Image.Resampling.BICUBIC))


@pytest.fixture
def display_p3() -> bytes:
    """A Display P3 matrix profile, ICC version 2, sRGB tone curve of 1,024 points."""
    x = np.linspace(0, 1, 1024)
    curve = np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)
    points = np.round(curve * 65535).astype(">u2").tobytes()
    trc = b"curv" + bytes(4) + struct.pack(">I", 1024) + points

    def xyz(values: tuple[float, ...]) -> bytes:
        return b"XYZ " + bytes(4) + b"".join(struct.pack(">i", round(v * 65536)) for v in values)

    text = b"Test P3"
    desc = b"desc" + bytes(4) + struct.pack(">I", len(text) + 1) + text + bytes(1 + 78)
    tags = [
        (b"desc", desc), (b"wtpt", xyz((0.9642, 1.0, 0.8249))), (b"rXYZ", xyz(P3[0])),
        (b"gXYZ", xyz(P3[1])), (b"bXYZ", xyz(P3[2])), (b"rTRC", trc), (b"gTRC", trc),
        (b"bTRC", trc),
    ]  # fmt: skip
    at, table, body = 132 + 12 * len(tags), b"", b""
    for name, value in tags:
        content = value + bytes(-len(value) % 4)
        table += name + struct.pack(">II", at + len(body), len(content))
        body += content
    head = (
        struct.pack(">I4sI4s4s4s", at + len(body), b"lcms", 0x02400000, b"mntr", b"RGB ", b"XYZ ")
        + struct.pack(">6H", 2024, 1, 1, 0, 0, 0)
        + b"acsp" + bytes(4 * 7) + struct.pack(">3i", 63190, 65536, 54061) + bytes(48)
    )  # fmt: skip
    return head + struct.pack(">I", len(tags)) + table + body


@pytest.fixture(scope="session")
def sample_data() -> Path:
    folder = Path(__file__).parents[4] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the sample data is not beside this checkout")
    return folder
