"""Light and dark looks: neutral greys that leave the colours to the photographs, and line icons."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QObject, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import QColor, QGuiApplication, QIcon, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer

from dclust_gui.services.resources import resource_path

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

GRID = 8
"""Spacing unit, device-independent pixels."""

ICON_SIDE = 20
"""Side of icons in bars and buttons, device-independent pixels."""


class Theme(StrEnum):
    """What the user chose under View > Theme."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


@dataclass(frozen=True, slots=True)
class Colours:
    """The greys and accents of one look, as `#rrggbb`."""

    window: str
    base: str
    raised: str
    border: str
    text: str
    faint: str
    disabled: str
    accent: str
    on_accent: str
    soft_accent: str
    link: str
    warning: str
    error: str
    success: str


LIGHT = Colours(
    window="#f2f2f2",
    base="#fafafa",
    raised="#ffffff",
    border="#d3d3d3",
    text="#1e1e1e",
    faint="#5c5c5c",
    disabled="#a0a0a0",
    accent="#2d66c3",
    on_accent="#ffffff",
    soft_accent="#dce6f6",
    link="#2459ad",
    warning="#8a5a00",
    error="#b3261e",
    success="#1d6b43",
)
DARK = Colours(
    window="#2b2b2b",
    base="#232323",
    raised="#363636",
    border="#474747",
    text="#e4e4e4",
    faint="#a8a8a8",
    disabled="#6e6e6e",
    accent="#3f76cf",
    on_accent="#ffffff",
    soft_accent="#34435a",
    link="#8fb6f5",
    warning="#f0b849",
    error="#f28b82",
    success="#7fcf9f",
)


def is_dark(palette: QPalette) -> bool:
    """Whether a palette is for a dark look."""
    return palette.color(QPalette.ColorRole.Window).lightness() < 128


def colours(palette: QPalette) -> Colours:
    """The colours that belong to a palette."""
    return DARK if is_dark(palette) else LIGHT


class ThemeKeeper(QObject):
    """Keeps the whole application in the look the user chose, or in the system's.

    Signals:
        changed: The look is another one now; whether it is dark.
    """

    changed = Signal(bool)

    def __init__(self, app: QApplication, theme: Theme = Theme.SYSTEM) -> None:
        super().__init__(app)
        self._app = app
        self._theme = theme
        app.setStyle("Fusion")
        app.styleHints().colorSchemeChanged.connect(self._on_style_hints_color_scheme_changed)
        self._apply()

    @property
    def theme(self) -> Theme:
        """The user's choice."""
        return self._theme

    def set_theme(self, theme: Theme) -> None:
        """Change the look at once."""
        if theme is not self._theme:
            self._theme = theme
            self._apply()

    def _apply(self) -> None:
        dark = self._theme is Theme.DARK or (self._theme is Theme.SYSTEM and system_is_dark())
        wanted = DARK if dark else LIGHT
        self._app.setPalette(make_palette(wanted))
        self._app.setStyleSheet(style_sheet(wanted))
        self.changed.emit(dark)

    @Slot()
    def _on_style_hints_color_scheme_changed(self) -> None:
        if self._theme is Theme.SYSTEM:
            self._apply()


def system_is_dark() -> bool:
    """Whether the desktop uses a dark look."""
    return QGuiApplication.styleHints().colorScheme() is Qt.ColorScheme.Dark


def make_palette(look: Colours) -> QPalette:
    """The palette of a look."""
    role = QPalette.ColorRole
    palette = QPalette()
    for key, value in {
        role.Window: look.window,
        role.WindowText: look.text,
        role.Base: look.base,
        role.AlternateBase: look.window,
        role.ToolTipBase: look.raised,
        role.ToolTipText: look.text,
        role.PlaceholderText: look.faint,
        role.Text: look.text,
        role.Button: look.raised,
        role.ButtonText: look.text,
        role.BrightText: look.error,
        role.Link: look.link,
        role.LinkVisited: look.link,
        role.Highlight: look.accent,
        role.HighlightedText: look.on_accent,
        role.Accent: look.accent,
        role.Mid: look.border,
        role.Midlight: look.raised,
        role.Light: look.raised,
        role.Dark: look.border,
        role.Shadow: "#000000",
    }.items():
        palette.setColor(key, QColor(value))
    for key in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, key, QColor(look.disabled))
    return palette


def style_sheet(look: Colours) -> str:
    """The few rules that a palette cannot say."""
    return f"""
    QFrame#proposal {{ background: {look.soft_accent};
        border-bottom: 1px solid {look.border}; }}
    QMainWindow::separator {{ background: {look.border}; width: 1px; height: 1px; }}
    QToolBar {{ border: 0; border-bottom: 1px solid {look.border}; padding: 4px 8px;
        spacing: 4px; }}
    QToolBar QToolButton {{ padding: 4px 8px; border-radius: 4px;
        border: 1px solid transparent; }}
    QToolBar QToolButton:hover {{ background: {look.raised}; border-color: {look.border}; }}
    QToolBar QToolButton:focus {{ border-color: {look.accent}; }}
    QStatusBar {{ border-top: 1px solid {look.border}; }}
    QStatusBar::item {{ border: 0; }}
    QDockWidget {{ font-weight: 600; }}
    QDockWidget::title {{ padding: 8px; background: {look.window}; }}
    QMenu::item {{ padding: 4px 24px 4px 8px; }}
    QMenu::item:selected {{ background: {look.soft_accent}; color: {look.text}; }}
    QToolTip {{ color: {look.text}; background: {look.raised}; border: 1px solid {look.border};
        padding: 4px; }}
    QToolButton[look="choice"]:checked {{ background: {look.soft_accent};
        border: 1px solid {look.accent}; border-radius: 3px; padding: 2px 5px; }}
    QLabel[look="faint"] {{ color: {look.faint}; }}
    QLabel[look="warning"] {{ background: {look.raised}; border: 1px solid {look.warning};
        border-radius: 4px; padding: 8px; }}
    QLabel[look="heading"] {{ font-size: 15pt; font-weight: 600; }}
    QLabel[look="section"] {{ font-weight: 600; }}
    QDialogButtonBox {{ dialogbuttonbox-buttons-have-icons: 0; }}
    QPushButton {{ padding: 4px 16px; min-height: 24px; border: 1px solid {look.border};
        border-radius: 4px; background: {look.raised}; color: {look.text}; }}
    QPushButton:hover {{ border-color: {look.faint}; }}
    QPushButton:pressed {{ background: {look.window}; }}
    QPushButton:focus {{ border-color: {look.accent}; }}
    QPushButton:disabled {{ color: {look.disabled}; }}
    QPushButton:default, QPushButton[look="primary"] {{ background: {look.accent};
        border-color: {look.accent}; color: {look.on_accent}; }}
    QPushButton:default:disabled, QPushButton[look="primary"]:disabled {{
        background: {look.window}; border-color: {look.border}; color: {look.disabled}; }}
    QPushButton:default:focus, QPushButton[look="primary"]:focus {{
        border: 2px solid {look.text}; }}
    QLineEdit[look="field"] {{ border: 1px solid {look.border}; border-radius: 4px;
        padding: 3px 6px;
        background: {look.raised}; }}
    QLineEdit[look="field"]:focus {{ border-color: {look.accent}; }}
    QRadioButton::indicator:unchecked, QCheckBox::indicator:unchecked {{ width: 12px;
        height: 12px; border: 1px solid {look.faint}; background: {look.base}; }}
    QRadioButton::indicator:unchecked {{ border-radius: 7px; }}
    QCheckBox::indicator:unchecked {{ border-radius: 2px; }}
    QRadioButton::indicator:checked {{ width: 6px; height: 6px; border: 4px solid {look.accent};
        border-radius: 7px; background: {look.on_accent}; }}
    QRadioButton::indicator:checked:disabled {{ border-color: {look.disabled}; }}
    QRadioButton::indicator:unchecked:disabled, QCheckBox::indicator:unchecked:disabled {{
        border-color: {look.disabled}; }}
    QScrollBar {{ background: transparent; border: 0; }}
    QScrollBar:vertical {{ width: 12px; }}
    QScrollBar:horizontal {{ height: 12px; }}
    QScrollBar::handle {{ background: {look.border}; border-radius: 4px; margin: 2px; }}
    QScrollBar::handle:vertical {{ min-height: 32px; }}
    QScrollBar::handle:horizontal {{ min-width: 32px; }}
    QScrollBar::handle:hover {{ background: {look.disabled}; }}
    QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
    QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
    QProgressBar {{ border: 0; border-radius: 3px; background: {look.border}; max-height: 6px;
        min-height: 6px; }}
    QProgressBar::chunk {{ border-radius: 3px; background: {look.accent}; }}
    """


def icon(name: str, palette: QPalette) -> QIcon:
    """A line icon in the text colour of a palette.

    Args:
        name: File stem in `resources/icons`.
        palette: Gives the colours of the normal and the disabled state.
    """
    group = QPalette.ColorGroup
    result = QIcon()
    for state, mode in ((group.Active, QIcon.Mode.Normal), (group.Disabled, QIcon.Mode.Disabled)):
        colour = palette.color(state, QPalette.ColorRole.WindowText)
        for scale in (1.0, 2.0):
            result.addPixmap(icon_pixmap(name, colour, ICON_SIDE, scale), mode)
    return result


def icon_pixmap(name: str, colour: QColor, side: int, scale: float = 1.0) -> QPixmap:
    """A line icon as a picture.

    Args:
        name: File stem in `resources/icons`.
        colour: Colour of the lines.
        side: Device-independent pixels.
        scale: Device pixel ratio.
    """
    text = resource_path("icons", f"{name}.svg").read_text("utf-8")
    data = QByteArray(text.replace("currentColor", colour.name()).encode())
    pixels = round(side * scale)
    picture = QPixmap(QSize(pixels, pixels))
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    QSvgRenderer(data).render(painter, QRectF(0, 0, pixels, pixels))
    painter.end()
    picture.setDevicePixelRatio(scale)
    return picture


def app_icon() -> QIcon:
    """The program's icon."""
    result = QIcon()
    for side in (16, 32, 64, 128):
        result.addPixmap(icon_pixmap("app", QColor(), side))
    return result
