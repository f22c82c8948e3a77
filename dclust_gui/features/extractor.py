"""Turns pictures into features: preparing, batching, and what to do when memory runs out.

The network and torch are loaded by the first call that needs them, so an extractor that is never
asked costs nothing.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.compute.devices import Device, DeviceKind, cpu_device, pick_device
from dclust_gui.domain.control import EventSink, ignore_events
from dclust_gui.domain.errors import BackboneError, InputError
from dclust_gui.domain.events import Notice, Severity
from dclust_gui.features.preprocess import resize_and_crop
from dclust_gui.features.views import View, combined, crops_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dclust_gui.features.backbones import BackboneSpec
    from dclust_gui.features.execution import Execution

_BATCH_SIZES = {DeviceKind.CUDA: 128, DeviceKind.MPS: 32}
_MANY_CORES = 8


class FeatureExtractor:
    """A backbone at work.

    `prepare` may be called from any thread; everything else from one thread at a time.

    Attributes:
        spec: The backbone.
        min_side: Pictures should be decoded to at least this short side in pixels.
        dims: Width of the features.
    """

    def __init__(
        self,
        spec: BackboneSpec,
        device: str | Device = "auto",
        batch_size: int | None = None,
        sink: EventSink = ignore_events,
    ) -> None:
        """Note what is wanted; nothing is loaded yet.

        Args:
            spec: The backbone.
            device: A name as on the command line, or a device that was picked before.
            batch_size: Images in one call of the network; None for what suits the device.
            sink: Told about smaller batches and a change of device.

        Raises:
            InputError: If the batch size is below 1.
        """
        if batch_size is not None and batch_size < 1:
            raise InputError(f"The batch size {batch_size} cannot be used.", "", "Use 1 or more.")
        self.spec = spec
        self._crops = crops_of(spec.views)
        self._resizes = [
            View(zoom).resize_size(spec.input_size, spec.resize_size) for zoom, _ in self._crops
        ]
        self.min_side = max(max(size) for size in self._resizes)
        self.dims = spec.dims
        self._wanted_device = device
        self._wanted_batch = batch_size
        self._sink = sink
        self._device = device if isinstance(device, Device) else None
        self._execution: Execution | None = None
        self._batch_size = 0

    @property
    def device(self) -> Device:
        """Where the network runs or will run; picked at the first question (imports torch).

        Raises:
            InputError: If the device asked for cannot be used.
        """
        if self._device is None:
            wanted = self._wanted_device
            self._device = wanted if isinstance(wanted, Device) else pick_device(wanted, self._sink)
        return self._device

    @property
    def batch_size(self) -> int:
        """Images in one call of the network; smaller after memory ran out."""
        if not self._batch_size:
            self._batch_size = self._wanted_batch or default_batch_size(self.device)
        return self._batch_size

    def prepare(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Resize and crop one decoded picture for all views. Any thread.

        Args:
            pixels: uint8 (height, width, 3), RGB, any size.

        Returns:
            uint8 (input height, input width, 3), with a first axis over the crops where the
            views need several; mirrored views take the same crops.
        """
        spec = self.spec
        crops = [
            resize_and_crop(pixels, spec.input_size, size, spec.interpolation, shift)
            for size, (_, shift) in zip(self._resizes, self._crops, strict=True)
        ]
        return crops[0] if len(crops) == 1 else np.stack(crops)

    def warm_up(self) -> None:
        """Load torch, the network and the device's libraries now instead of with the first batch.

        Raises:
            BackboneError: If the weights do not fit the model.
            InputError: If the device asked for cannot be used.
        """
        self.extract(np.zeros((1, *self._prepared_shape), np.uint8))

    def extract(
        self, batch: Sequence[NDArray[np.uint8]] | NDArray[np.uint8]
    ) -> NDArray[np.float16]:
        """Features of prepared pictures.

        Views are looked at one after the other and averaged. The network always sees full
        batches, the last one padded with blank pictures, so that a picture's features do not
        depend on how many others came along.

        Args:
            batch: Any number of arrays as `prepare` gives them, or one of n of them.

        Returns:
            float16 (n, dims), finite.

        Raises:
            BackboneError: If a feature is not a finite number, the weights do not fit, or memory
                does not suffice for one image on the processor.
            ValueError: If the pictures are not of the network's input size.
        """
        expected = self._prepared_shape
        if any(p.shape != expected or p.dtype != np.uint8 for p in batch):
            raise ValueError(f"Expected uint8 pictures of shape {expected}.")
        result = np.empty((len(batch), self.dims), np.float16)
        done = 0
        while done < len(batch):
            features = self._run_guarded(batch[done : done + self.batch_size])
            result[done : done + len(features)] = self._checked(features)
            done += len(features)
        return result

    def classifier(self) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
        """The backbone's own classifier, for naming what pictures show.

        Returns:
            Weights (n_classes, dims) and bias (n_classes,); None where it has no linear one.
        """
        return self._loaded().head()

    @property
    def execution_path(self) -> str:
        """How the network runs: "packed", "folded" or "plain"; loads it."""
        return self._loaded().path

    def close(self) -> None:
        """Give the network's memory back; a later call loads it again."""
        if self._execution is not None:
            self._execution.release()
            self._execution = None

    @property
    def _prepared_shape(self) -> tuple[int, ...]:
        """Shape of what `prepare` gives."""
        picture = (*self.spec.input_size, 3)
        return picture if len(self._crops) == 1 else (len(self._crops), *picture)

    def _loaded(self) -> Execution:
        if self._execution is None:
            from dclust_gui.features.execution import (  # noqa: PLC0415 -- imports torch
                Execution,
            )

            self._execution = Execution(self.spec, self.device, self.batch_size)
        return self._execution

    def _run_guarded(
        self, pictures: Sequence[NDArray[np.uint8]] | NDArray[np.uint8]
    ) -> NDArray[np.float32]:
        """Features of the first pictures, as many as memory allows."""
        from dclust_gui.features.execution import (  # noqa: PLC0415 -- imports torch
            is_out_of_memory,
        )

        while True:
            try:
                return self._run(pictures[: self.batch_size])
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                reason = error
            # Outside of the handler the failed call's tensors are gone.
            self._make_room(reason)

    def _run(
        self, pictures: Sequence[NDArray[np.uint8]] | NDArray[np.uint8]
    ) -> NDArray[np.float32]:
        """Pad to a full batch, run for each view, cut off the padding."""
        full = np.zeros((self.batch_size, *self._prepared_shape), np.uint8)
        for row, picture in enumerate(pictures):
            full[row] = picture
        crops = [full] if len(self._crops) == 1 else list(full.swapaxes(0, 1))
        network, found = self._loaded(), []
        for view in self.spec.views:
            crop = np.ascontiguousarray(crops[self._crops.index(view.crop)])
            if view.is_mirrored:
                found.append(network.run(crop, is_mirrored=True)[: len(pictures)])
            else:
                found.append(network.run(crop)[: len(pictures)])
        return combined(found)

    def _make_room(self, reason: BaseException) -> None:
        """Halve the batch; below one image go to the processor; there, give up."""
        name = self.device.name
        if self.batch_size > 1:
            self._batch_size = self.batch_size // 2
            self.close()
            self._warn(f"{name}: memory ran out. Going on with batches of {self._batch_size}.")
        elif self.device.kind is not DeviceKind.CPU:
            self.close()
            self._device = cpu_device()
            self._batch_size = default_batch_size(self._device)
            self._warn(f"{name}: memory ran out. Going on with the processor, which is slower.")
        else:
            raise BackboneError(
                f"The backbone '{self.spec.name}' needs more memory than there is.",
                "Even one image at a time does not fit.",
                "Close other programs or choose a smaller backbone.",
            ) from reason

    def _warn(self, text: str) -> None:
        self._sink(Notice(Severity.WARNING, text))

    def _checked(self, features: NDArray[np.float32]) -> NDArray[np.float16]:
        """As float16, finite."""
        if features.shape[1] != self.dims:
            raise BackboneError(
                f"The backbone '{self.spec.name}' gives {features.shape[1]} numbers an image.",
                f"{self.dims} were expected.",
            )
        with np.errstate(over="ignore", invalid="ignore"):
            stored = features.astype(np.float16)
        bad = int((~np.isfinite(stored).all(axis=1)).sum())
        if bad:
            raise BackboneError(
                f"The backbone '{self.spec.name}' gives features that are not finite numbers.",
                f"This holds for {bad} of {len(stored)} images of a batch.",
                "Its weights may be damaged; choose another backbone.",
            )
        return stored


def default_batch_size(device: Device) -> int:
    """Images in one call that suit a device.

    On the processor small batches are faster by far: at 32 images the maps of the first layers
    leave the caches and every call asks the system for fresh memory.
    """
    if device.kind is DeviceKind.CPU:
        return 8 if (os.cpu_count() or 1) <= _MANY_CORES else 16
    return _BATCH_SIZES[device.kind]
