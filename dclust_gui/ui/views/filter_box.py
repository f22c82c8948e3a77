"""The filter box: words and terms that images must meet, with proposals and errors in place."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QModelIndex, QObject, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QAction, QKeyEvent, QPalette, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QCompleter, QLabel, QLineEdit, QTreeView, QVBoxLayout, QWidget

from dclust_gui.domain.edits import count_of
from dclust_gui.services.filter_terms import Filter, FilterError, parse_filter
from dclust_gui.services.filter_words import Vocabulary, Words, words_for
from dclust_gui.ui.views.theme import GRID, colours, icon

_REST_MS = 150
_ERROR_REST_MS = 900
_PLACEHOLDER = "Filter images: name, cluster:, date:, camera:, confidence:<0.4 …"


class FilterBox(QWidget):
    """A line to type a filter, and a line below it that says what is wrong.

    Signals:
        filter_requested: A `Filter` to apply; None for no filter. Comes when typing rests.
        left: Esc was pressed in an empty box, or Down or Enter: give the keys to the gallery.
    """

    filter_requested = Signal(object)
    left = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._vocabulary = Vocabulary()
        self._asked: Filter | None = None
        self._words = Words(0, 0, ())
        self.edit = QLineEdit(self)
        self.note = QLabel(self)
        self._icon = QAction(self)
        self._options = QStandardItemModel(0, 2, self)
        self._popup = QTreeView(self)
        self._completer = QCompleter(self._options, self)
        self._rest = _timer(self, _REST_MS)
        self._error_rest = _timer(self, _ERROR_REST_MS)
        self._error: FilterError | None = None
        self._said = ("", False)
        self._set_up()
        self._follow_look()

    def _set_up(self) -> None:
        edit = self.edit
        edit.setPlaceholderText(_PLACEHOLDER)
        edit.setAccessibleName("Filter images")
        edit.setClearButtonEnabled(True)
        edit.setProperty("look", "field")
        edit.addAction(self._icon, QLineEdit.ActionPosition.LeadingPosition)
        edit.installEventFilter(self)
        self.note.setProperty("look", "faint")
        self.note.setWordWrap(True)
        self.note.setTextFormat(Qt.TextFormat.PlainText)
        self.note.setContentsMargins(GRID, 2, GRID, 0)
        self.note.hide()
        popup = self._popup
        popup.setHeaderHidden(True)
        popup.setRootIsDecorated(False)
        popup.setUniformRowHeights(True)
        popup.setAccessibleName("Proposals")
        completer = self._completer
        completer.setCompletionMode(QCompleter.CompletionMode.UnfilteredPopupCompletion)
        completer.setPopup(popup)
        completer.setWidget(edit)
        completer.setMaxVisibleItems(12)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID, GRID // 2, GRID, GRID // 2)
        layout.setSpacing(0)
        layout.addWidget(edit)
        layout.addWidget(self.note)
        edit.textEdited.connect(self._on_edit_text_edited)
        edit.textChanged.connect(self._on_edit_text_changed)
        edit.returnPressed.connect(self._on_edit_return_pressed)
        completer.activated.connect(self._on_completer_activated)
        self._rest.timeout.connect(self._on_rest_timeout)
        self._error_rest.timeout.connect(self._on_error_rest_timeout)

    # -- what there is -----------------------------------------------------------------------

    @property
    def text(self) -> str:
        """What was typed."""
        return self.edit.text()

    @property
    def proposals(self) -> tuple[str, ...]:
        """What the popup shows; empty while it is closed."""
        return tuple(w.text for w in self._words.options) if self._popup.isVisible() else ()

    # -- setters -----------------------------------------------------------------------------

    def set_text(self, text: str) -> None:
        """Put a filter there, as when going back; it is asked for at once."""
        if text != self.edit.text():
            self.edit.setText(text)
            self._on_rest_timeout()

    def set_vocabulary(self, vocabulary: Vocabulary) -> None:
        """Propose the values of a project."""
        self._vocabulary = vocabulary

    def set_found(self, n_found: int, n_images: int) -> None:
        """Tell how many images the filter lets through."""
        if self._error is None and self._asked is not None:
            told = f"{n_found:,} of {count_of(n_images)}" if n_found else "No image is like this."
            self._say(told)

    def focus(self) -> None:
        """Let the user type."""
        self.edit.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.edit.selectAll()

    def clear(self) -> None:
        """Take the filter away."""
        self.set_text("")

    # -- inside ------------------------------------------------------------------------------

    @Slot()
    def _on_rest_timeout(self) -> None:
        """Understand what was typed, and ask for it or say what is wrong."""
        self._rest.stop()
        try:
            wanted = parse_filter(self.edit.text())
        except FilterError as error:
            self._error = error
            # While a term is being typed it is no error yet.
            if error.is_unfinished and error.stop >= self.edit.cursorPosition():
                self._say(error.hint)
                self._error_rest.start()
            else:
                self._on_error_rest_timeout()
            return
        self._error = None
        self._error_rest.stop()
        self.edit.setToolTip("")
        asked = wanted if wanted.terms else None
        if self._said[1] or asked != self._asked:
            self._say("")
        if asked != self._asked:
            self._asked = asked
            self.filter_requested.emit(asked)

    @Slot()
    def _on_error_rest_timeout(self) -> None:
        error = self._error
        if error is None:
            return
        is_bad = not error.is_unfinished or not self.edit.hasFocus()
        self._say(f"{error.what} {error.hint}" if is_bad else error.hint, is_error=is_bad)

    def _say(self, text: str, is_error: bool = False) -> None:
        self._said = (text, is_error)
        palette = QPalette(self.note.palette())
        look = colours(self.palette())
        self.note.setProperty("look", "" if is_error else "faint")
        self.note.style().unpolish(self.note)
        self.note.style().polish(self.note)
        if is_error:
            palette.setColor(QPalette.ColorRole.WindowText, look.error)
            self.note.setPalette(palette)
        self.note.setText(text)
        self.note.setVisible(bool(text))
        self.note.setAccessibleName(text)

    def _follow_look(self) -> None:
        self._say(*self._said)
        self._icon.setIcon(icon("search", self.palette()))

    def _propose(self, *, at_start: bool = False) -> None:
        """Show what may stand at the cursor."""
        words = words_for(self.edit.text(), self.edit.cursorPosition(), self._vocabulary)
        is_whole = not self.edit.text().strip()
        if not words.options or (is_whole and not at_start):
            self._popup.hide()
            return
        self._words = words
        self._options.removeRows(0, self._options.rowCount())
        line = QSize(0, self.fontMetrics().height() + GRID)
        for word in words.options:
            cells = [QStandardItem(word.text), QStandardItem(word.detail)]
            cells[0].setSizeHint(line)
            cells[1].setForeground(self.palette().placeholderText())
            self._options.appendRow(cells)
        self._completer.complete()
        self._popup.resizeColumnToContents(0)
        self._popup.setColumnWidth(0, self._popup.columnWidth(0) + GRID)
        self._popup.setCurrentIndex(QModelIndex())

    @Slot(str)
    def _on_edit_text_edited(self, _text: str) -> None:
        self._propose()

    @Slot(str)
    def _on_edit_text_changed(self, text: str) -> None:
        self._error_rest.stop()
        if text:
            self._rest.start()
        else:
            self._on_rest_timeout()

    @Slot()
    def _on_edit_return_pressed(self) -> None:
        self._popup.hide()
        self._on_rest_timeout()
        if self._error is None:
            self.left.emit()
        else:
            self.edit.setSelection(self._error.start, self._error.stop - self._error.start)
            error = self._error
            self._say(f"{error.what} {error.hint}", is_error=True)

    @Slot(str)
    def _on_completer_activated(self, word: str) -> None:
        words, text = self._words, self.edit.text()
        is_whole = not word.endswith((":", "/"))
        after = text[words.stop :]
        gap = " " if is_whole and not after.startswith(" ") else ""
        self.edit.setText(text[: words.start] + word + gap + after)
        self.edit.setCursorPosition(words.start + len(word) + len(gap))
        if not is_whole:
            QTimer.singleShot(0, self, self._propose)

    # -- Qt ----------------------------------------------------------------------------------

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Esc empties the box, then leaves it; Down opens the proposals or leaves."""
        if watched is self.edit and isinstance(event, QKeyEvent):
            if event.type() == QEvent.Type.ShortcutOverride and event.key() == Qt.Key.Key_Escape:
                event.accept()
                return True
            if event.type() == QEvent.Type.KeyPress and self._takes_key(event):
                return True
        return super().eventFilter(watched, event)

    def _takes_key(self, event: QKeyEvent) -> bool:
        if event.key() == Qt.Key.Key_Escape:
            if self.edit.text():
                self.clear()
            else:
                self.left.emit()
            return True
        if event.key() == Qt.Key.Key_Down and not self._popup.isVisible():
            self._propose(at_start=True)
            if not self._popup.isVisible():
                self.left.emit()
            return True
        return False

    def changeEvent(self, event: QEvent) -> None:
        """Draw the icon in the colours of another look."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            QTimer.singleShot(0, self, self._follow_look)


def _timer(parent: QObject, interval_ms: int) -> QTimer:
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.setInterval(interval_ms)
    return timer
