"""Formats, decoding, EXIF, colour and thumbnails of single image files."""

DECODER_VERSION = 1
"""Rises when a file would be read differently; older facts in the cache then count no more."""
