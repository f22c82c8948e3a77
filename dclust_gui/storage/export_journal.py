"""The journal that an export leaves in its folder."""

from __future__ import annotations

JOURNAL_NAME = ".dclust-journal.jsonl"
"""Name of the journal in the folder of an export; folders that hold one are never scanned."""
