"""Decodes one file's content with Pillow: allow-listed formats, header checks, reduced size."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    CurImagePlugin,
    DdsImagePlugin,
    GifImagePlugin,
    IcoImagePlugin,
    Image,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    PcxImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    PsdImagePlugin,
    QoiImagePlugin,
    SgiImagePlugin,
    TgaImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from dclust_gui.domain.images import ImageFacts, ImageStatus
from dclust_gui.imaging.colour import ColourConverter, flatten_alpha, simplify_mode
from dclust_gui.imaging.exif import ExifFacts, read_facts
from dclust_gui.imaging.limits import DecodeLimits, Fit, Refused, check_pixels
from dclust_gui.imaging.results import DecodedImage

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

Data = bytes | memoryview

_PLUGINS: dict[str, type[ImageFile]] = {
    # Plugin classes, not Image.open: no other format is ever tried (EPS would start
    # Ghostscript), no multi-picture index is parsed, and the limits are ours.
    "AVIF": AvifImagePlugin.AvifImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "CUR": CurImagePlugin.CurImageFile,
    "DDS": DdsImagePlugin.DdsImageFile,
    "DIB": BmpImagePlugin.DibImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "ICO": IcoImagePlugin.IcoImageFile,
    "JPEG": JpegImagePlugin.JpegImageFile,
    "JPEG2000": Jpeg2KImagePlugin.Jpeg2KImageFile,
    "PCX": PcxImagePlugin.PcxImageFile,
    "PNG": PngImagePlugin.PngImageFile,
    "PPM": PpmImagePlugin.PpmImageFile,
    "PSD": PsdImagePlugin.PsdImageFile,
    "QOI": QoiImagePlugin.QoiImageFile,
    "SGI": SgiImagePlugin.SgiImageFile,
    "TGA": TgaImagePlugin.TgaImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
    "WEBP": WebPImagePlugin.WebPImageFile,
}

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_COMMON_TIFF = {"raw", "tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "packbits", "jpeg"}
_STRIP_PIXELS = 4_000_000
_REDUCING_GAP = 3.0
"""Reduce by whole numbers first, as long as the filter still gets this much too large a picture."""


@dataclass(frozen=True, slots=True, eq=False)
class OpenedImage:
    """A file whose header was read and checked; its pixels are not decoded yet.

    Attributes:
        image: Pillow's picture, set to decode at reduced size where the format can.
        format_name: Format by content.
        width: Pixels of the original as stored.
        height: Pixels of the original as stored.
        exif: Orientation still to apply, capture time, camera.
        needs_helper: Whether decoding takes much, or a decoder that had better be kept apart.
    """

    image: ImageFile
    format_name: str
    width: int
    height: int
    exif: ExifFacts
    needs_helper: bool


class PlainDecoder:
    """Decodes with Pillow. Safe to use from many threads."""

    def __init__(self, limits: DecodeLimits) -> None:
        self._limits = limits
        self._colour = ColourConverter()

    def decode(self, data: Data, format_name: str, fit: Fit) -> DecodedImage:
        """Open and finish in one step.

        Args:
            data: The whole file.
            format_name: Format by content.
            fit: Size wanted.

        Returns:
            The picture, status OK.

        Raises:
            Refused: If the header forbids it.
            Exception: Whatever Pillow raises on damaged files.
        """
        return self.finish(self.open(data, format_name, fit), fit)

    def open(self, data: Data, format_name: str, fit: Fit) -> OpenedImage:
        """Read and check the header.

        Args:
            data: The whole file.
            format_name: Format by content.
            fit: Size wanted.

        Returns:
            The picture, not decoded.

        Raises:
            Refused: If the format is not opened or the picture too large.
            Exception: Whatever Pillow raises on damaged headers.
        """
        plugin = _PLUGINS.get(format_name)
        if plugin is None:
            raise Refused("The content is not an image of a known format.")
        image = plugin(io.BytesIO(data))
        width, height = image.size
        if isinstance(image, JpegImagePlugin.JpegImageFile):
            full_pixels = self._prepare_jpeg(image, data, fit)
        else:
            full_pixels = width * height
            check_pixels(width, height, self._limits.max_pixels)
        return OpenedImage(
            image,
            format_name,
            width,
            height,
            _exif_of(image, data),
            full_pixels > self._limits.large_pixels or _is_rare_tiff(image),
        )

    def finish(self, opened: OpenedImage, fit: Fit) -> DecodedImage:
        """Decode the pixels and bring them to sRGB, upright, at the wanted size.

        Args:
            opened: From `open`; used up.
            fit: The same as there.

        Returns:
            The picture, status OK.

        Raises:
            Exception: Whatever Pillow raises on damaged files.
        """
        with opened.image as image:
            image.load()
            target = fit.size(opened.width, opened.height)
            profile = image.info.get("icc_profile")
            return self.compose(image, target, profile, opened)

    def compose(
        self,
        image: Image.Image,
        target: tuple[int, int],
        profile: bytes | None,
        opened: OpenedImage | SourceFacts,
    ) -> DecodedImage:
        """Resize, flatten, convert and turn a decoded picture.

        Args:
            image: Any mode, loaded.
            target: Width and height before the turn.
            profile: Embedded ICC profile.
            opened: Format, size and EXIF of the original.

        Returns:
            The picture, status OK.
        """
        if image.mode.startswith(("I", "F")):
            image = simplify_mode(image)
        factor = min(image.width // target[0], image.height // target[1]) // 2
        if factor > 1 and image.width * image.height > _STRIP_PIXELS:
            image = _reduce_in_strips(image, factor)
        image = simplify_mode(image)
        if image.size != target:
            image = image.resize(target, Image.Resampling.BICUBIC, reducing_gap=_REDUCING_GAP)
        image = self._colour.to_srgb(flatten_alpha(image), profile)
        turn = _TURNS.get(opened.exif.orientation)
        if turn is not None:
            image = image.transpose(turn)
        pixels = np.ascontiguousarray(np.asarray(image))
        pixels.setflags(write=False)
        return DecodedImage(pixels, _facts(opened))

    def _prepare_jpeg(self, image: JpegImagePlugin.JpegImageFile, data: Data, fit: Fit) -> int:
        """Choose the DCT scale; returns how many pixels the decoder has to hold."""
        width, height = image.size
        check_pixels(width, height, self._limits.max_jpeg_pixels)
        is_buffered = keeps_whole_picture(data)
        if is_buffered:
            check_pixels(width, height, self._limits.max_pixels)
        target = fit.size(width, height)
        scale = max(1, min(width // target[0], height // target[1]))
        while scale < 8 and width * height > self._limits.max_pixels * scale * scale:
            scale *= 2
        image.draft(None, (max(1, width // scale), max(1, height // scale)))
        image.decodermaxblock = max(len(data), 1)  # one decoder call, one release of the GIL
        scaled = image.width * image.height
        return max(scaled, width * height) if is_buffered else scaled


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """Format, stored size and EXIF of a picture that Pillow did not open."""

    format_name: str
    width: int
    height: int
    exif: ExifFacts


def keeps_whole_picture(data: Data) -> bool:
    """Whether a JPEG is progressive or in several scans, which need all coefficients in memory.

    Args:
        data: The whole file.

    Returns:
        True also when the headers make no sense.
    """
    at, components = 2, 0
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            return True
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == 0xDA:
            return at + 4 >= len(data) or data[at + 4] < components
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            if marker not in (0xC0, 0xC1) or at + 9 >= len(data):
                return True
            components = data[at + 9]
        at += 2 + length
    return True


def _is_rare_tiff(image: ImageFile) -> bool:
    """Whether libtiff would use one of its rarely used decoders (fax, thunder, old JPEG, ...)."""
    return (
        isinstance(image, TiffImagePlugin.TiffImageFile)
        and image.info.get("compression") not in _COMMON_TIFF
    )


def _exif_of(image: ImageFile, data: Data) -> ExifFacts:
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        facts = read_facts(data)
        # Pillow turns TIFF pictures itself while loading, and gives the turned size before.
        return ExifFacts(1, facts.taken_at, facts.camera)
    block = image.info.get("exif")
    xmp = image.info.get("xmp")
    return read_facts(
        block if isinstance(block, bytes) else b"", xmp if isinstance(xmp, bytes) else b""
    )


def _facts(source: OpenedImage | SourceFacts) -> ImageFacts:
    width, height = source.width, source.height
    if source.exif.orientation >= 5:
        width, height = height, width
    return ImageFacts(
        ImageStatus.OK,
        width=width,
        height=height,
        taken_at=source.exif.taken_at,
        camera=source.exif.camera,
        format=source.format_name,
    )


def _reduce_in_strips(image: Image.Image, factor: int) -> Image.Image:
    """Average blocks of `factor` x `factor` pixels without a second full-size picture."""
    rows = max(1, _STRIP_PIXELS // (image.width * factor)) * factor
    reduced: Image.Image | None = None
    height = -(-image.height // factor)
    for top in range(0, image.height, rows):
        strip = image.crop((0, top, image.width, min(top + rows, image.height)))
        strip.info = image.info
        part = simplify_mode(strip).reduce(factor)
        if reduced is None:
            reduced = Image.new(part.mode, (part.width, height))
        reduced.paste(part, (0, top // factor))
    return image if reduced is None else reduced
