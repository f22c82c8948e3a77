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

MOST_BYTES = 1 << 30
"""Size of all models together; those trained longest ago go first."""


class ModelFiles:
    """A folder of models that can be trained again; any process may write to it.

    Args:
        root: The folder; it is made when something is written.
        limit_bytes: Size of all models together that is not exceeded for long.
    """

    def __init__(self, root: Path, limit_bytes: int = MOST_BYTES) -> None:
        self.root = root
        self._limit = limit_bytes

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
            found = [(p.stat(), p) for p in self.root.glob(f"*{WEIGHTS_END}")]
            total = sum(status.st_size for status, _ in found)
            for status, path in sorted(found, key=lambda pair: pair[0].st_mtime_ns):
                if total <= self._limit:
                    return
                path.unlink(missing_ok=True)
                path.with_suffix(FACTS_END).unlink(missing_ok=True)
                total -= status.st_size
