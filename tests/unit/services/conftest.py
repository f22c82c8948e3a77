"""A workspace with colours in place of a network, and a small collection."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dclust_gui.services.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import MakeImages


@pytest.fixture
def workspace(tmp_path: Path, embedded: list[int]) -> Iterator[Workspace]:
    """Cache and engine, without a network."""
    with Workspace(tmp_path / "cache") as opened:
        yield opened


@pytest.fixture(scope="session")
def only_when_asked(request: pytest.FixtureRequest) -> None:
    """Leaves out what takes minutes unless it is asked for by `-m slow`."""
    if "slow" not in str(request.config.getoption("markexpr", "")):
        pytest.skip("takes minutes: run it with -m slow")


@pytest.fixture
def photos(tmp_path: Path, make_images: MakeImages) -> Path:
    """Twelve images of three classes."""
    make_images(tmp_path / "photos")
    return tmp_path / "photos"
