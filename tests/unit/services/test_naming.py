from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dclust_gui.domain.errors import InputError
from dclust_gui.services.naming import apply_names, read_vocabulary
from dclust_gui.services.session import ProjectSession
from dclust_gui.storage.project import ProjectStore

if TYPE_CHECKING:
    from pathlib import Path


def test_a_vocabulary_is_one_word_a_line(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_text("\ufeff# animals\ndog\n\n  sea lion \n", encoding="utf-8")
    assert read_vocabulary(path) == ("dog", "sea lion")


@pytest.mark.parametrize("content", [b"", b"# nothing\n", b"\xff\xfe\x00d"])
def test_files_without_words_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "words.txt"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"words\.txt"):
        read_vocabulary(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="absent"):
        read_vocabulary(tmp_path / "absent")


def test_names_given_by_hand_stay_and_one_step_takes_all_back(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    session = ProjectSession(ProjectStore.create(tmp_path / "p.dclust", [tmp_path / "photos"]))
    first, second, third = (session.new_cluster() for _ in range(3))
    session.rename(first, "Mine")
    wanted = {first: "dog", second: "cat", third: "CAT", 99: "bird"}
    assert apply_names(session, wanted) == 1  # the same name twice would be two "cat" folders
    names = {key: cluster.name for key, cluster in session.clustering.clusters.items()}
    assert names == {first: "Mine", second: "cat", third: ""}
    assert apply_names(session, wanted) == 0
    session.undo()
    assert session.clustering.clusters[second].name == ""
    assert session.clustering.clusters[first].name == "Mine"
    session.close()
