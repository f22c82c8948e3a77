"""Messages over the pictures: results with Undo that fade, warnings and errors that stay."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QColor, QGuiApplication
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from dclust_gui.ui.views.theme import GRID, ICON_SIDE, Colours, colours, icon, icon_pixmap

FADE_MS = 10_000
"""How long a result stays when nobody looks at it closely."""

MOST_SHOWN = 3
"""Messages shown at once; the oldest gives way."""


class MessageKind(StrEnum):
    """How much a message matters; also the name of its icon."""

    DONE = "done"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"

    @property
    def fades(self) -> bool:
        """Whether the message goes by itself."""
        return self is MessageKind.DONE


@dataclass(frozen=True, slots=True)
class Message:
    """Something to tell.

    Attributes:
        kind: How much it matters.
        text: One or two sentences.
        action: Name of what the user can do about it, sent back by `action_requested`; empty
            for none.
        action_text: The button's words.
        key: Messages of one key replace each other; empty for none.
    """

    kind: MessageKind
    text: str
    action: str = ""
    action_text: str = ""
    key: str = ""


class _MessageFrame(QFrame):
    """One message with its buttons.

    Signals:
        closed: The user or the clock has closed it.
        acted: Its action was chosen.
    """

    closed = Signal(object)
    acted = Signal(object)

    def __init__(self, message: Message, parent: QWidget) -> None:
        super().__init__(parent)
        self.message = message
        self._look: Colours | None = None
        self.setObjectName("message")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self._icon = QLabel(self)
        self._text = QLabel(message.text, self)
        self._text.setWordWrap(True)
        self._text.setTextFormat(Qt.TextFormat.PlainText)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._close = QToolButton(self)
        self._close.setAutoRaise(True)
        self._close.setAccessibleName("Close message")
        self._close.setToolTip("Close message")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(GRID * 2, GRID // 2, GRID, GRID // 2)
        layout.setSpacing(GRID)
        layout.addWidget(self._icon)
        layout.addWidget(self._text)
        if message.action:
            self.button = QPushButton(message.action_text or message.action, self)
            self.button.clicked.connect(self._on_button_clicked)
            layout.addWidget(self.button)
        layout.addWidget(self._close)
        self._close.clicked.connect(self._on_close_clicked)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._on_timer_timeout)
        if message.kind.fades:
            self._timer.start(FADE_MS)
        self._colour()

    def _colour(self) -> None:
        # The frame's own palette is changed by its style sheet.
        palette = QGuiApplication.palette()
        look = colours(palette)
        if look is self._look:
            return
        self._look = look
        edge = {
            MessageKind.DONE: look.success,
            MessageKind.INFO: look.link,
            MessageKind.WARNING: look.warning,
            MessageKind.ERROR: look.error,
        }[self.message.kind]
        self._icon.setPixmap(
            icon_pixmap(self.message.kind.value, QColor(edge), ICON_SIDE, self.devicePixelRatioF())
        )
        self._close.setIcon(icon("close", palette))
        self.setStyleSheet(
            f"#message {{ background: {look.raised}; border-left: 4px solid {edge};"
            f" border-top: 1px solid {look.border}; }}"
        )

    @Slot()
    def _on_button_clicked(self) -> None:
        self.acted.emit(self)

    @Slot()
    def _on_close_clicked(self) -> None:
        self.closed.emit(self)

    @Slot()
    def _on_timer_timeout(self) -> None:
        focused: QWidget | None = self.window().focusWidget()
        if self.underMouse() or (focused is not None and self.isAncestorOf(focused)):
            self._timer.start(FADE_MS)
        else:
            self.closed.emit(self)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the look."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.StyleChange):
            QTimer.singleShot(0, self, self._colour)


class MessageBar(QWidget):
    """Shows the newest messages.

    Signals:
        action_requested: The action of a message was chosen (its `action`).
        height_changed: How much of the host's lower edge the messages cover, pixels.
    """

    action_requested = Signal(str)
    height_changed = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Messages")
        self._host: QWidget | None = None
        self._frames: list[_MessageFrame] = []
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(0)
        self.hide()

    def float_over(self, host: QWidget) -> None:
        """Lie over the lower edge of a widget, so that nothing moves when a message comes."""
        self._host = host
        self.setParent(host)
        host.installEventFilter(self)

    @property
    def messages(self) -> tuple[Message, ...]:
        """What is shown, oldest first."""
        return tuple(f.message for f in self._frames)

    @property
    def covered_px(self) -> int:
        """How much of the host's lower edge the messages cover."""
        return self.height() if self._frames else 0

    def show_message(self, message: Message) -> None:
        """Show a message; one of the same key, or the same words, gives way to it."""
        for frame in tuple(self._frames):
            same_key = bool(message.key) and frame.message.key == message.key
            if same_key or frame.message.text == message.text:
                self._remove(frame)
        frame = _MessageFrame(message, self)
        frame.closed.connect(self._on_frame_closed)
        frame.acted.connect(self._on_frame_acted)
        self._frames.append(frame)
        self._layout.addWidget(frame)
        while len(self._frames) > MOST_SHOWN:
            fading = [f for f in self._frames if f.message.kind.fades]
            self._remove((fading or self._frames)[0])
        self.show()
        self._settle()
        announce(self, message.text)

    def remove_key(self, key: str) -> None:
        """Take away the messages of a key."""
        for frame in tuple(self._frames):
            if frame.message.key == key:
                self._remove(frame)

    def clear(self) -> None:
        """Take all messages away."""
        for frame in tuple(self._frames):
            self._remove(frame)

    def _remove(self, frame: _MessageFrame) -> None:
        self._frames.remove(frame)
        self._layout.removeWidget(frame)
        frame.hide()
        frame.deleteLater()
        self.setVisible(bool(self._frames))
        self._settle()

    def _settle(self) -> None:
        """Take the room that the messages need at the host's lower edge."""
        if self._host is None:
            return
        if not self._frames:
            self.height_changed.emit(0)
            return
        width, room = self._host.width(), self._host.height()
        layout = self._layout
        wrapped = layout.hasHeightForWidth()
        wanted = layout.heightForWidth(width) if wrapped else layout.sizeHint().height()
        height = min(room, wanted)
        self.setGeometry(0, room - height, width, height)
        self.raise_()
        self.height_changed.emit(height)

    def event(self, event: QEvent) -> bool:
        """Follow what the messages need."""
        if event.type() == QEvent.Type.LayoutRequest:
            self._settle()
        return super().event(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follow the size of what the messages lie over."""
        if event.type() == QEvent.Type.Resize and watched is self._host:
            self._settle()
        return super().eventFilter(watched, event)

    @Slot(object)
    def _on_frame_closed(self, frame: QObject) -> None:
        if isinstance(frame, _MessageFrame) and frame in self._frames:
            self._remove(frame)

    @Slot(object)
    def _on_frame_acted(self, frame: QObject) -> None:
        if isinstance(frame, _MessageFrame) and frame in self._frames:
            action = frame.message.action
            self._remove(frame)
            self.action_requested.emit(action)


def announce(widget: QWidget, text: str) -> None:
    """Tell a screen reader."""
    QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(widget, text))
