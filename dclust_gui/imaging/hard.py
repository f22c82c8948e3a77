"""HEIC and RAW: decoders in C that run only in the helper process."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from PIL import Image

from dclust_gui.imaging.exif import ExifFacts, read_facts
from dclust_gui.imaging.formats import sniff_format
from dclust_gui.imaging.limits import DecodeLimits, Fit, Refused, check_pixels
from dclust_gui.imaging.plain import PlainDecoder, SourceFacts

if TYPE_CHECKING:
    import rawpy

    from dclust_gui.imaging.results import DecodedImage

_FLIP_TO_ORIENTATION = {3: 3, 5: 8, 6: 6}
"""LibRaw's turn of the sensor picture as EXIF orientation."""


class HardDecoder:
    """Decodes every format that is opened at all. For one thread of the helper process."""

    def __init__(self, limits: DecodeLimits) -> None:
        self._limits = limits
        self._plain = PlainDecoder(limits)

    def decode(self, data: bytes, format_name: str, fit: Fit) -> DecodedImage:
        """Decode one file.

        Args:
            data: The whole file.
            format_name: Format by content and name.
            fit: Size wanted.

        Returns:
            The picture, status OK.

        Raises:
            Refused: If the file is not decoded on principle.
            Exception: Whatever the decoders raise on damaged files.
        """
        if format_name == "HEIF":
            return self._heif(data, fit)
        if format_name == "RAW":
            return self._raw_or_tiff(data, fit)
        return self._plain.decode(data, format_name, fit)

    def _heif(self, data: bytes, fit: Fit) -> DecodedImage:
        import pi_heif  # noqa: PLC0415 -- only when a HEIC file comes

        heif = pi_heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=True)
        width, height = heif.size
        check_pixels(width, height, self._limits.max_pixels)
        pixels = heif.data
        width, height = heif.size  # may change while decoding
        check_pixels(width, height, self._limits.max_pixels)
        image = Image.frombuffer(
            heif.mode, (width, height), pixels, "raw", heif.mode, heif.stride, 1
        )
        exif = read_facts(heif.info.get("exif") or b"")
        # libheif has turned the picture by the container's own `irot`; the EXIF value repeats it.
        source = SourceFacts("HEIF", width, height, ExifFacts(1, exif.taken_at, exif.camera))
        profile = heif.info.get("icc_profile")
        return self._plain.compose(image, fit.size(width, height), profile, source)

    def _raw_or_tiff(self, data: bytes, fit: Fit) -> DecodedImage:
        import rawpy  # noqa: PLC0415 -- only when a RAW file comes

        try:
            raw = rawpy.imread(io.BytesIO(data))
        except rawpy.LibRawError:
            if sniff_format(data[:64]) != "TIFF":
                raise
            return self._plain.decode(data, "TIFF", fit)
        with raw:
            sizes = raw.sizes
            check_pixels(sizes.width, sizes.height, self._limits.max_jpeg_pixels)
            preview = self._preview(raw, data, fit)
            return preview if preview is not None else self._develop(raw, data, fit)

    def _preview(self, raw: rawpy.RawPy, data: bytes, fit: Fit) -> DecodedImage | None:
        """The embedded preview, if there is one and it is large enough."""
        import rawpy  # noqa: PLC0415

        try:
            thumb = raw.extract_thumb()
        except rawpy.LibRawError:
            return None
        sizes = raw.sizes
        wanted = min(fit.size(sizes.width, sizes.height))
        try:
            if isinstance(thumb.data, bytes):
                opened = self._plain.open(thumb.data, "JPEG", fit)
                image: Image.Image = opened.image
                size, exif = (opened.width, opened.height), opened.exif
            else:
                image = Image.fromarray(thumb.data)
                size, exif = image.size, ExifFacts()
            if min(size) < wanted:
                return None
            image.load()
        except (OSError, ValueError, SyntaxError, TypeError, KeyError, Refused):
            return None
        orientation = exif.orientation
        if orientation == 1:
            orientation = _turn_for(sizes.flip, size, (sizes.width, sizes.height))
        facts = _merge(orientation, exif, read_facts(data))
        source = SourceFacts("RAW", *_as_stored(raw, orientation), facts)
        return self._plain.compose(image, fit.size(*size), image.info.get("icc_profile"), source)

    def _develop(self, raw: rawpy.RawPy, data: bytes, fit: Fit) -> DecodedImage:
        """Develop the sensor data, at half size if that is large enough."""
        sizes = raw.sizes  # before developing: half size halves them
        flip = sizes.flip
        width, height = _as_stored(raw, _FLIP_TO_ORIENTATION.get(flip, 1))
        if flip in (5, 6):
            width, height = height, width
        wanted = min(fit.size(width, height))
        pixels = raw.postprocess(
            half_size=min(width, height) // 2 >= wanted,
            use_camera_wb=True,
            output_bps=8,
        )
        image = Image.fromarray(pixels)
        exif = read_facts(data)
        source = SourceFacts("RAW", width, height, ExifFacts(1, exif.taken_at, exif.camera))
        return self._plain.compose(image, fit.size(*image.size), None, source)


def _turn_for(flip: int, preview: tuple[int, int], sensor: tuple[int, int]) -> int:
    """The turn a preview without EXIF still needs; none if its shape is the turned one."""
    if flip in (5, 6) and (preview[0] > preview[1]) != (sensor[0] > sensor[1]):
        return 1
    return _FLIP_TO_ORIENTATION.get(flip, 1)


def _as_stored(raw: rawpy.RawPy, orientation: int) -> tuple[int, int]:
    """The developed size before a turn by `orientation`, so that the turn gives the true one."""
    width, height = raw.sizes.width, raw.sizes.height
    is_turned = raw.sizes.flip in (5, 6)
    return (width, height) if is_turned == (orientation >= 5) else (height, width)


def _merge(orientation: int, first: ExifFacts, second: ExifFacts) -> ExifFacts:
    return ExifFacts(orientation, first.taken_at or second.taken_at, first.camera or second.camera)
