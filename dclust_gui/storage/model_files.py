"""Trained models beside the cache: a file of weights and a small file of facts for each."""

from __future__ import annotations

import contextlib
import hashlib
import json
from typing import TYPE_CHECKING

from dclust_gui.storage.failures import storage_error
from dclust_gui.storage.files import remove_stale, temporary_beside, write_file

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

WEIGHTS_END = ".safetensors"
FACTS_END = ".json"

MOST_MODELS = 40
"""Models that are kept; those trained longest ago go first."""


class ModelFiles:
    """A folder of models that can be trained again; any process may write to it.

    Args:
        root: The folder; it is made when something is written.
        most: Models that are kept.
    """

    def __init__(self, root: Path, most: int = MOST_MODELS) -> None:
        self.root = root
        self._most = most

    def path(self, key: str) -> Path:
        """Where the weights of a model are, or would be.

        Args:
            key: Everything the model was trained from, as text.
        """
        digest = hashlib.blake2b(key.encode(), digest_size=16).hexdigest()
        return self.root / f"{digest}{WEIGHTS_END}"

    def put(self, key: str, save: Callable[[Path], None], facts: Mapping[str, object]) -> Path:
        """Keep a model.

        Args:
            key: Everything it was trained from, as text.
            save: Writes the weights to a path.
            facts: What is needed to use it, as JSON has it.

        Returns:
            Where the weights are.

        Raises:
            StorageError: If it cannot be written.
        """
        path = self.path(key)
        temporary = temporary_beside(path)
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            save(temporary)
            text = json.dumps(facts, ensure_ascii=False, allow_nan=False)
            write_file(path.with_suffix(FACTS_END), [text.encode()])
            temporary.replace(path)
        except OSError as error:
            raise storage_error(
                f"Could not keep the trained model in {self.root}.", error
            ) from error
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
        self._shrink()
        return path

    def facts(self, path: Path) -> dict[str, object]:
        """What was kept with a model.

        Args:
            path: Its weights.

        Raises:
            StorageError: If it cannot be read.
        """
        try:
            found = json.loads(path.with_suffix(FACTS_END).read_text("utf-8"))
        except OSError as error:
            raise storage_error(f"Could not read the trained model {path}.", error) from error
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise storage_error(
                f"Could not read the trained model {path}.", OSError(0, "Its facts are damaged")
            )
        return found

    def _shrink(self) -> None:
        remove_stale(self.root)
        with contextlib.suppress(OSError):
            models = sorted(self.root.glob(f"*{WEIGHTS_END}"), key=lambda p: p.stat().st_mtime_ns)
            for path in models[: max(0, len(models) - self._most)]:
                path.unlink(missing_ok=True)
                path.with_suffix(FACTS_END).unlink(missing_ok=True)
