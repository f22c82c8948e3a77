"""`dclust tree` and `dclust cut`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Dclust, MakeImages


def test_a_project_s_tree_is_written_and_cut(
    dclust: Dclust, make_images: MakeImages, tmp_path: Path
) -> None:
    folder, project = tmp_path / "photos", tmp_path / "p.dclust"
    make_images(folder)
    assert dclust("cluster", folder, "--project", project, "--k", 3).code == 0
    for name in ("z.npy", "z.nwk", "z.svg"):
        done = dclust("tree", project, tmp_path / name)
        assert done.code == 0, done.err
        assert (tmp_path / name).is_file()
    assert np.load(tmp_path / "z.npy").shape == (11, 4)
    done = dclust("cut", project, "--k", 2)
    assert done.code == 0, done.err
    assert "Cut the tree into 2 clusters." in done.out
    assert dclust("cut", project, "--k", 2).out.splitlines()[-1] == "Nothing changed."
    branch = done.out.splitlines()[1].split()[-2]
    done = dclust("cut", project, "--k", 2, "--branch", branch)
    assert f"Cut branch {branch} into 2 clusters." in done.out
    assert len(done.out.splitlines()) == 1 + 3 + 1
    dclust("edit", project, "new", "Mine", folder / "class 0" / "image-00.png")
    done = dclust("cut", project, "--k", 2)
    assert "1 image stays in another cluster than its branch: moved by hand" in done.out
    assert dclust("cut", project, "--height", 1e9).code == 0


def test_wrong_use_and_missing_trees_are_told(dclust: Dclust, tmp_path: Path) -> None:
    assert dclust("cut", tmp_path / "p.dclust").code == 2
    assert dclust("cut", tmp_path / "p.dclust", "--k", 2, "--height", 1).code == 2
    done = dclust("tree", tmp_path / "none.dclust", tmp_path / "z.npy")
    assert done.code == 1
    assert done.error_line
