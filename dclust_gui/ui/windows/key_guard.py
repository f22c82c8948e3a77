"""Keeps single letters from being commands where a letter chooses an entry of a list."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractSpinBox, QComboBox, QWidget

_PLAIN = (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier)


class KeyGuard(QObject):
    """Gives letters to combo boxes and number fields; text fields take theirs by themselves.

    Args:
        window: Its combo boxes and number fields of now are guarded.
    """

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        for kind in (QComboBox, QAbstractSpinBox):
            for field in window.findChildren(kind):
                field.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Claim a letter before it becomes a command."""
        if _is_letter(event):
            event.accept()
            return True
        return super().eventFilter(watched, event)


def is_for_field(event: QEvent, focus: QWidget | None) -> bool:
    """Whether a key that may become a command belongs to the field that has the focus.

    For fields that were made later than the window's `KeyGuard`.

    Args:
        event: Any event.
        focus: What has the keyboard focus.
    """
    return isinstance(focus, QComboBox | QAbstractSpinBox) and _is_letter(event)


def _is_letter(event: QEvent) -> bool:
    if event.type() != QEvent.Type.ShortcutOverride or not isinstance(event, QKeyEvent):
        return False
    is_printable = len(event.text()) == 1 and event.text().isprintable()
    return is_printable and event.modifiers() in _PLAIN
