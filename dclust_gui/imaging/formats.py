"""Which files are images, told by name for the scan and by content for the decoder."""

from __future__ import annotations

IMAGE_EXTENSIONS: frozenset[str] = frozenset({
    ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".webp", ".tif", ".tiff",
    ".bmp", ".dib", ".gif", ".avif", ".avifs", ".heic", ".heics", ".heif", ".heifs", ".hif",
    ".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx", ".psd", ".tga", ".icb", ".vda", ".vst",
    ".pcx", ".ico", ".cur", ".dds", ".qoi", ".sgi", ".rgb", ".rgba", ".bw", ".ppm", ".pgm",
    ".pbm", ".pnm", ".pfm",
})  # fmt: skip
"""Extensions of the image files that are opened, lower case with dot; RAW files are apart."""

RAW_EXTENSIONS: frozenset[str] = frozenset({
    ".3fr", ".ari", ".arw", ".bay", ".cap", ".cr2", ".cr3", ".crw", ".dcr", ".dcs", ".dng",
    ".drf", ".eip", ".erf", ".fff", ".gpr", ".iiq", ".k25", ".kdc", ".mdc", ".mef", ".mos",
    ".mrw", ".nef", ".nrw", ".orf", ".ori", ".pef", ".ptx", ".r3d", ".raf", ".raw", ".rw2",
    ".rwl", ".rwz", ".sr2", ".srf", ".srw", ".x3f",
})  # fmt: skip
"""Extensions of camera RAW files, lower case with dot."""

SIDE_EXTENSIONS: frozenset[str] = frozenset({
    ".xmp", ".aae", ".thm", ".mov", ".mp4", ".pp3", ".dop", ".cos", ".cop", ".on1", ".rpp",
    ".arp", ".wav", ".vrd", ".nksc", ".afphoto",
})  # fmt: skip
"""Extensions of files that belong to an image of the same stem, lower case with dot."""

THREAD_FORMATS: frozenset[str] = frozenset({"JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF"})
"""Formats decoded in the calling thread; all others go to a helper process."""

_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"II\x1a\x00\x00\x00HEAPCCDR", "RAW"),  # Canon CRW
    (b"IIRO", "RAW"),  # Olympus
    (b"IIRS", "RAW"),
    (b"MMOR", "RAW"),
    (b"IIU\x00", "RAW"),  # Panasonic, Leica
    (b"FUJIFILMCCD-RAW", "RAW"),
    (b"FOVb", "RAW"),  # Sigma
    (b"\x00MRM", "RAW"),  # Minolta
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"II+\x00", "TIFF"),  # BigTIFF
    (b"MM\x00+", "TIFF"),
    (b"II\x00*", "TIFF"),  # wrong byte order in the mark, read all the same
    (b"MM*\x00", "TIFF"),
    (b"BM", "BMP"),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "JPEG2000"),
    (b"\xff\x4f\xff\x51", "JPEG2000"),
    (b"8BPS", "PSD"),
    (b"qoif", "QOI"),
    (b"DDS ", "DDS"),
    (b"\x00\x00\x01\x00", "ICO"),
    (b"\x00\x00\x02\x00", "CUR"),
    (b"\x01\xda", "SGI"),
)

_HEIF_BRANDS = frozenset(
    {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"hevm", b"hevs", b"mif1", b"msf1"}
)
_AVIF_BRANDS = frozenset({b"avif", b"avis"})

_BY_EXTENSION = {".tga": "TGA", ".icb": "TGA", ".vda": "TGA", ".vst": "TGA", ".dib": "DIB"}

_OTHER_CONTENT: tuple[tuple[bytes, str], ...] = (
    (b"<!doctype html", "This is a web page (HTML), not an image."),
    (b"<html", "This is a web page (HTML), not an image."),
    (b"<svg", "This is a vector drawing (SVG), which is not supported."),
    (b"<?xml", "This is an XML or SVG file, not a picture made of pixels."),
    (b"%pdf", "This is a PDF document, not an image."),
    (b"%!ps", "This is a PostScript document, which is not opened for safety."),
    (b"\xc5\xd0\xd3\xc6", "This is a PostScript document, which is not opened for safety."),
    (b"pk\x03\x04", "This is a ZIP archive, not an image."),
    (b"\x1f\x8b", "This is a gzip archive, not an image."),
    (b"\xff\x0a", "This is a JPEG XL image, which is not supported yet."),
    (b"\x00\x00\x00\x0cjxl ", "This is a JPEG XL image, which is not supported yet."),
    (b"\x1aE\xdf\xa3".lower(), "This is a video, not an image."),
    (b"blp", "This is a BLP game texture, which is not supported."),
    (b"simple  =", "This is a FITS file, which is not supported."),
    (b"\x89hdf", "This is an HDF5 file, not an image."),
)


def sniff_format(head: bytes) -> str:
    """Name the format of a file from its first bytes.

    Args:
        head: At least the first 64 bytes of the file, or all of it.

    Returns:
        Pillow's name of the format, "HEIF" for HEIC, "RAW" for camera formats with a mark of
        their own, or "" if it is none that is opened. TIFF-based RAW is "TIFF" here but for
        Canon's CR2; `identify` tells the others.
    """
    if head[:2] in (b"II", b"MM") and head[8:10] == b"CR":
        return "RAW"
    for mark, name in _SIGNATURES:
        if head.startswith(mark):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head[4:8] == b"ftyp":
        return _sniff_ftyp(head)
    if len(head) > 2 and head[:1] == b"P" and head[1:2] in b"1234567Ff" and head[2:3].isspace():
        return "PPM"
    if len(head) >= 4 and head[0] == 10 and head[1] in (0, 2, 3, 5) and head[2] in (0, 1):
        return "PCX"
    return ""


def _sniff_ftyp(head: bytes) -> str:
    size = min(int.from_bytes(head[:4], "big"), len(head), 256)
    brands = [head[8:12], *(head[at : at + 4] for at in range(16, size - 3, 4))]
    if brands[0] == b"crx ":
        return "RAW"
    if _AVIF_BRANDS & set(brands):
        return "AVIF"
    return "HEIF" if _HEIF_BRANDS & set(brands) else ""


def identify(head: bytes, name: str) -> str:
    """Name the format of a file from its first bytes, then from its name.

    Args:
        head: The first bytes of the file, at least 4,096 where there are as many.
        name: File name with extension.

    Returns:
        As `sniff_format`; TIFF-based camera files (NEF, ARW, DNG, ...) are "RAW".
    """
    extension = extension_of(name)
    found = sniff_format(head)
    if found in ("CUR", "ICO") and _BY_EXTENSION.get(extension) == "TGA":
        return "TGA"  # an uncompressed TGA may start with the same bytes
    if found == "TIFF" and (extension in RAW_EXTENSIONS or _has_dng_version(head)):
        return "RAW"
    if found == "":
        if describe_other(head):
            return ""
        if extension in RAW_EXTENSIONS:
            return "RAW"
        found = _BY_EXTENSION.get(extension, "")
    return found


def extension_of(name: str) -> str:
    """The extension of a file name, lower case with dot; empty where there is none."""
    stem, dot, extension = name.rpartition(".")
    return dot + extension.lower() if stem and dot else ""


def describe_other(head: bytes) -> str:
    """Say in words what a file is that is no image.

    Args:
        head: The first bytes of the file.

    Returns:
        One sentence, or "" if it cannot be told.
    """
    text = head[:512].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    for mark, words in _OTHER_CONTENT:
        if text.startswith(mark) or head.startswith(mark):
            return words
    if head[4:8] == b"ftyp" and not _sniff_ftyp(head):
        return "This is a video, not an image."
    if head and not any(head):
        return "The file holds only zeros: its content is lost."
    return ""


def _has_dng_version(head: bytes) -> bool:
    """Whether the first directory of a TIFF, as far as it lies in `head`, is a DNG's."""
    order = "little" if head[:2] == b"II" else "big"
    start = int.from_bytes(head[4:8], order)  # type: ignore[arg-type]
    count = int.from_bytes(head[start : start + 2], order)  # type: ignore[arg-type]
    tags = (start + 2 + 12 * index for index in range(min(count, 512)))
    return any(int.from_bytes(head[at : at + 2], order) == 50706 for at in tags)  # type: ignore[arg-type]
