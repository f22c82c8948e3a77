"""Formats, decoding, EXIF, colour and thumbnails of single image files."""
