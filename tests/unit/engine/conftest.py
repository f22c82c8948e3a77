"""The engine with colours in place of a network, and a cache of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dclust_gui.engine.pipeline import Engine
from dclust_gui.storage.stores import Stores

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Stores]:
    """An empty cache."""
    with Stores.open(tmp_path / "cache") as opened:
        yield opened


@pytest.fixture
def engine(stores: Stores, embedded: list[int]) -> Iterator[Engine]:
    """An engine without a network."""
    made = Engine(stores, threads=2)
    yield made
    made.close()
