"""Where the files that come with the program lie: in a checkout, a wheel or a frozen build."""

from __future__ import annotations

from pathlib import Path


def resource_path(*parts: str) -> Path:
    """A file or folder of `resources/`.

    Args:
        parts: Names below it, such as `"icons", "app.svg"`.

    Returns:
        Its path; it exists unless the installation is damaged or the name is wrong.
    """
    package = Path(__file__).parents[1]
    installed = package / "_resources"
    base = installed if installed.is_dir() else package.parent / "resources"
    return base.joinpath(*parts)
