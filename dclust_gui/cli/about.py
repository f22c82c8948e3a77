"""Commands that tell what there is: models, methods, doctor; and the demo."""

from __future__ import annotations

import ctypes.util
import importlib.metadata
import platform
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dclust_gui import __version__
from dclust_gui.cli import output
from dclust_gui.cli.cluster import Targets, run_and_write
from dclust_gui.domain.errors import InputError, KnownError
from dclust_gui.domain.runs import FINETUNE_PREFIX, HEAD_PREFIX, RunSettings
from dclust_gui.engine.requests import RunRequest

if TYPE_CHECKING:
    from dclust_gui.services.methods import Method

models_app = typer.Typer(help="Backbones and their weights.", no_args_is_help=True)

_PACKAGES = (
    "torch",
    "torchvision",
    "timm",
    "PySide6-Essentials",
    "numpy",
    "scipy",
    "scikit-learn",
    "pillow",
    "pi-heif",
    "rawpy",
)


@models_app.command("list")
def list_models() -> None:
    """Show the backbones whose weights are on this computer, and the bundled ones."""
    from dclust_gui.features.backbones import list_backbones
    from dclust_gui.storage.locations import backbone_memory, weights_dir

    rows = [
        (
            b.name,
            "yes" if b.has_weights else "no",
            "" if b.dims is None else str(b.dims),
            b.licence,
            b.hint,
        )
        for b in list_backbones(weights_dir(), backbone_memory())
    ]
    columns = ("Name", "Weights here", "Features", "Licence", "To get them, or what they are")
    output.say_table(columns, rows, right=0)
    output.say("Any timm model can be named; 'dclust models add FILE' adds its weights.")
    output.say("Those named tuned: were trained here by 'dclust cluster --finetune'.")


@models_app.command("add")
def add_model(
    file: Annotated[Path, typer.Argument(help="Weights, .safetensors or .pth.")],
) -> None:
    """Keep a weights file for use by name; its name starts with the timm model's."""
    from dclust_gui.features.weights import add_weights
    from dclust_gui.storage.locations import weights_dir

    output.say(f"Added {add_weights(file, weights_dir())}.")


@models_app.command("remove")
def remove_model(
    name: Annotated[str, typer.Argument(help="A backbone that was trained here: tuned:NAME.")],
) -> None:
    """Delete a backbone that was trained here; projects that use it read no new images then."""
    from dclust_gui.features.tuned import remove_tuned
    from dclust_gui.storage.locations import weights_dir

    remove_tuned(name, weights_dir())
    output.say(f"Removed {name}.")


@models_app.command("download")
def download_model(name: Annotated[str, typer.Argument(help="timm model.")]) -> None:
    """Fetch a model's weights from timm's hub; the only command that uses the network."""
    from dclust_gui.features.weights import download_weights
    from dclust_gui.storage.locations import weights_dir

    output.say(f"Downloaded {download_weights(name, weights_dir())}.")


@models_app.command("check")
def check_models(
    name: Annotated[str, typer.Argument(help="Backbone.")] = "efficientnet-lite0",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
) -> None:
    """Load a backbone and compute features of a test picture."""
    import numpy as np

    from dclust_gui.features.backbones import resolve_backbone
    from dclust_gui.features.extractor import FeatureExtractor
    from dclust_gui.storage.locations import backbone_memory, weights_dir

    spec = resolve_backbone(name, weights_dir=weights_dir(), memory=backbone_memory())
    extractor = FeatureExtractor(spec, device)
    ramp = np.linspace(0, 255, 256, dtype=np.uint8)
    picture = np.stack(np.broadcast_arrays(ramp[:, None], ramp[None, :], ramp[::-1, None]), axis=2)
    features = extractor.extract([extractor.prepare(picture)])
    output.say(f"{spec.name} ({spec.timm_name}) on {extractor.device.name}")
    output.say(f"  {features.shape[1]} features, norm {np.linalg.norm(features.astype(float)):.3f}")
    output.say(f"  fingerprint {spec.fingerprint}, licence {spec.licence}")


def methods(
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Show the clustering methods, the deep-clustering heads, and their parameters."""
    from dclust_gui.services.methods import FINETUNERS, heads
    from dclust_gui.services.methods import methods as all_methods

    if json:
        rows = [("method", m) for m in all_methods()] + [("head", h) for h in heads()]
        rows += [("finetune", f) for f in FINETUNERS]
        output.say_json([{"kind": kind, **_method_values(m)} for kind, m in rows])
        return
    for m in all_methods():
        output.say(f"{m.name}: {m.summary} Cost {m.cost}.")
        output.say(f"    {'--k N' if m.needs_k else 'finds the number of clusters by itself'}")
        for option, values in (("--metric", m.metrics), ("--linkage", m.linkages)):
            if len(values) > 1:
                output.say(f"    {option} {'|'.join(values)}")
        _say_parameters(m, "")
    output.say()
    output.say("Heads learn from the features of the images before these are grouped:")
    for h in heads():
        output.say(f"--head {h.name}: {h.summary} Cost {h.cost}.")
        if not h.gives_labels:
            output.say("    --algorithm NAME groups the codes; k-means when none is named")
        _say_parameters(h, HEAD_PREFIX)
    output.say()
    output.say("Fine-tuning trains the backbone itself; slow without a graphics card:")
    for f in FINETUNERS:
        output.say(f"--finetune {f.name}: {f.summary} Cost {f.cost}.")
        _say_parameters(f, FINETUNE_PREFIX)


def _say_parameters(method: Method, prefix: str) -> None:
    for p in method.parameters:
        output.say(f"    --param {prefix}{p.name}={p.default_text}  {p.help} ({p.range_text})")


def _method_values(method: Method) -> dict[str, object]:
    """A method or a head as JSON has it."""
    return {
        "name": method.name,
        "title": method.title,
        "summary": method.summary,
        "needs_k": method.needs_k,
        "metrics": list(method.metrics),
        "linkages": list(method.linkages),
        "cost": method.cost,
        "parameters": [
            {"name": p.name, "default": p.default, "range": p.range_text, "help": p.help}
            for p in method.parameters
        ],
    }


def doctor() -> None:
    """Check this installation: versions, device, formats, weights, cache; exit 1 if broken."""
    from dclust_gui.storage.locations import cache_dir, data_dir

    output.say(f"dclust {__version__}, Python {platform.python_version()}, {platform.platform()}")
    for package in _PACKAGES:
        try:
            output.say(f"  {package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            output.say(f"  {package} not found")
    _say_window()
    problems = [text for check in (_device, _weights, _formats) if (text := check())]
    for what, folder in (("Cache", cache_dir()), ("Data", data_dir())):
        problems += _folder(what, folder)
    if problems:
        raise InputError(
            f"{len(problems)} problem(s) found: " + " ".join(problems), "", "Reinstall dclust."
        )
    output.say("All is well.")


def _device() -> str:
    from dclust_gui.compute.devices import pick_device

    try:
        output.say(f"Device: {pick_device('auto').name}")
    except (KnownError, ImportError) as error:
        return f"No device: {error}"
    return ""


def _weights() -> str:
    try:
        check_models()
    except (KnownError, ImportError, RuntimeError) as error:
        return f"The default backbone does not work: {error}"
    return ""


def _formats() -> str:
    missing = []
    for module in ("PIL", "pi_heif", "rawpy"):
        try:
            __import__(module)
        except ImportError as error:
            missing.append(f"{module} ({error})")
    from PIL import features

    codecs = [
        name for name in ("jpg", "webp", "avif", "libtiff", "littlecms2") if features.check(name)
    ]
    output.say(f"Formats: {', '.join(codecs)}" + ("" if missing else ", HEIC, RAW"))
    return f"Formats missing: {', '.join(missing)}." if missing else ""


def _say_window() -> None:
    """Tell of the one system library that Qt needs on Linux and does not bring."""
    if sys.platform == "linux" and ctypes.util.find_library("xcb-cursor") is None:
        output.say(
            "Window: under X11 it needs the system library libxcb-cursor0 "
            "(Debian, Ubuntu: sudo apt install libxcb-cursor0)."
        )


def _folder(what: str, folder: Path) -> list[str]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".doctor"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        return [f"{what} folder '{folder}' cannot be written: {error.strerror or error}."]
    size = sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())
    free = shutil.disk_usage(folder).free
    output.say(f"{what}: {folder} ({size / 1e6:.0f} MB, {free / 1e9:.0f} GB free)")
    return []


def demo(
    folder: Annotated[
        Path, typer.Argument(help="Where to put the sample images and the result.")
    ] = Path("dclust-demo"),
) -> None:
    """Make a small collection offline, cluster it, and export a folder per cluster."""
    from dclust_gui.services.sample import make_sample_collection

    images = folder / "images"
    output.say(f"{make_sample_collection(images):,} sample images in {images}")
    settings = RunSettings(algorithm="auto", reduce="auto", k=12)
    targets = Targets(
        truth="folders",
        labels=folder / "labels.csv",
        report=folder / "report.json",
        export=folder / "clusters",
    )
    run_and_write(RunRequest((images.absolute(),), settings), targets)
    output.say(f"Look into {folder / 'clusters'}: one folder per cluster.")
    if sys.stdout.isatty():
        output.say(f"Next: dclust cluster YOUR-PHOTOS --export {folder / 'sorted'}")
