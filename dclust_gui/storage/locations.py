"""Where dclust keeps a user's own files: the cache, the data folder and what lies in it."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

CACHE_VARIABLE = "DCLUST_CACHE_DIR"
"""Environment variable that puts the cache elsewhere, e.g. onto a bigger disk."""

DATA_VARIABLE = "DCLUST_DATA_DIR"
"""Environment variable that puts drafts, weights and settings elsewhere."""


def cache_dir() -> Path:
    """Folder of everything that can be computed again; it may not exist yet."""
    chosen = os.environ.get(CACHE_VARIABLE)
    return Path(chosen) if chosen else platformdirs.user_cache_path("dclust", appauthor=False)


def data_dir() -> Path:
    """Folder of the user's own data outside of projects; it may not exist yet."""
    chosen = os.environ.get(DATA_VARIABLE)
    return Path(chosen) if chosen else platformdirs.user_data_path("dclust", appauthor=False)


def weights_dir() -> Path:
    """Folder of weights files that the user added."""
    return data_dir() / "weights"


def drafts_dir() -> Path:
    """Folder of projects that were not given a place yet."""
    return data_dir() / "drafts"


def backbone_memory() -> Path:
    """File that remembers facts of backbones, so that a later start need not load timm."""
    return cache_dir() / "backbones.json"
