"""The filter box: asks when typing rests, says what is wrong in place, proposes and completes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QObject, Qt, Slot

from dclust_gui.services.filter_terms import Filter, parse_filter
from dclust_gui.services.filter_words import Vocabulary
from dclust_gui.ui.views.filter_box import FilterBox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytestqt.qtbot import QtBot

pytestmark = pytest.mark.qt_log_ignore("grabbing the keyboard", extend=True)

VOCABULARY = Vocabulary((("Beach", 30), ("Old house", 4)), (("Canon EOS 5D", 12),))


class Ear(QObject):
    """Remembers the wishes."""

    def __init__(self, box: FilterBox) -> None:
        super().__init__()
        self.asked: list[object] = []
        self.n_left = 0
        box.filter_requested.connect(self._on_filter_requested)
        box.left.connect(self._on_left)

    @Slot(object)
    def _on_filter_requested(self, wanted: object) -> None:
        self.asked.append(wanted)

    @Slot()
    def _on_left(self) -> None:
        self.n_left += 1


@pytest.fixture
def box(qtbot: QtBot) -> Iterator[FilterBox]:
    made = FilterBox()
    made.set_vocabulary(VOCABULARY)
    made.resize(500, 60)
    qtbot.addWidget(made)
    made.show()
    made.focus()
    yield made
    made._popup.hide()
    made.hide()


def test_filter_is_asked_for_once_when_typing_rests(box: FilterBox, qtbot: QtBot) -> None:
    ear = Ear(box)
    qtbot.keyClicks(box.edit, "img 12")
    assert ear.asked == []
    qtbot.waitUntil(lambda: bool(ear.asked))
    assert ear.asked == [parse_filter("img 12")]
    assert not box.note.isVisible()


def test_bad_term_is_told_below_and_nothing_is_asked_for(box: FilterBox, qtbot: QtBot) -> None:
    ear = Ear(box)
    box.set_text("kamera:canon x")
    assert ear.asked == []
    assert box.note.isVisible()
    assert box.note.text().startswith("There is no filter 'kamera:'. Did you mean camera:?")
    qtbot.keyClick(box.edit, Qt.Key.Key_Return)
    assert box.edit.selectedText() == "kamera:canon"
    assert ear.n_left == 0
    box.set_text("camera:canon x")
    assert not box.note.isVisible()
    assert ear.asked == [parse_filter("camera:canon x")]


def test_unfinished_term_gets_a_hint_first_and_an_error_on_enter(
    box: FilterBox, qtbot: QtBot
) -> None:
    box.set_text("date:20")
    assert box.note.text().startswith("Write date:2024")
    qtbot.keyClick(box.edit, Qt.Key.Key_Return)
    assert box.note.text().startswith("'20' cannot be used with date:.")


def test_emptied_box_takes_the_filter_away_at_once(box: FilterBox, qtbot: QtBot) -> None:
    ear = Ear(box)
    box.set_text("img")
    qtbot.keyClick(box.edit, Qt.Key.Key_Escape)
    assert ear.asked == [parse_filter("img"), None]
    assert box.text == ""
    qtbot.keyClick(box.edit, Qt.Key.Key_Escape)
    assert ear.n_left == 1


def test_number_found_is_told(box: FilterBox) -> None:
    box.set_found(3, 10)
    assert not box.note.isVisible()
    box.set_text("img")
    box.set_found(3, 10)
    assert box.note.text() == "3 of 10 images"
    box.set_found(0, 10)
    assert box.note.text() == "No image is like this."


def test_key_then_value_are_completed(box: FilterBox, qtbot: QtBot) -> None:
    qtbot.keyClicks(box.edit, "x clu")
    assert box.proposals == ("cluster:",)
    qtbot.keyClick(box._popup, Qt.Key.Key_Down)
    qtbot.keyClick(box._popup, Qt.Key.Key_Return)
    assert box.text == "x cluster:"
    qtbot.waitUntil(lambda: box.proposals == ("cluster:Beach", 'cluster:"Old house"'))
    qtbot.keyClick(box._popup, Qt.Key.Key_Down)
    qtbot.keyClick(box._popup, Qt.Key.Key_Down)
    qtbot.keyClick(box._popup, Qt.Key.Key_Return)
    assert box.text == 'x cluster:"Old house" '
    ear = Ear(box)
    qtbot.waitUntil(lambda: bool(ear.asked))
    assert isinstance(ear.asked[0], Filter)


def test_down_in_an_empty_box_shows_all_keys(box: FilterBox, qtbot: QtBot) -> None:
    assert box.proposals == ()
    qtbot.keyClick(box.edit, Qt.Key.Key_Down)
    assert "confidence:" in box.proposals


def test_words_without_proposals_close_the_popup(box: FilterBox, qtbot: QtBot) -> None:
    qtbot.keyClicks(box.edit, "cam")
    assert box.proposals
    qtbot.keyClicks(box.edit, "zz")
    assert box.proposals == ()
    qtbot.keyClick(box.edit, Qt.Key.Key_Down)
    assert box.proposals == ()
