"""Reading, fitting, adding and downloading weights."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
import torch
from safetensors.torch import load_file, save_file

from dclust_gui.domain.errors import BackboneError
from dclust_gui.features import network
from dclust_gui.features.weights import (
    add_weights,
    load_network,
    map_lite_keys,
    read_facts,
    read_state_dict,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from dclust_gui.features.backbones import BackboneSpec


class RunsCode:
    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return (exec, ("raise SystemExit('code was run')",))


def test_all_keys_of_the_default_weights_map_strictly(lite_spec: BackboneSpec) -> None:
    state = read_state_dict(lite_spec.weights_path)
    model = network.create(lite_spec.timm_name)
    mapped = map_lite_keys(state, model)
    assert len(mapped) == len(state) == 296
    assert set(mapped) == set(model.state_dict())
    model.load_state_dict(mapped, strict=True)


def test_mapping_refuses_a_foreign_key(lite_spec: BackboneSpec) -> None:
    model = network.create(lite_spec.timm_name)
    for key in ("_blocks.99._bn1.weight", "_blocks.0._se.weight", "head.weight"):
        with pytest.raises(BackboneError, match="do not fit EfficientNet-Lite"):
            map_lite_keys({key: torch.zeros(1)}, model)


def test_a_file_with_code_is_refused_and_not_run(tmp_path: Path) -> None:
    path = tmp_path / "resnet18.pth"
    path.write_bytes(pickle.dumps(RunsCode()))
    with pytest.raises(BackboneError, match="never run"):
        read_state_dict(path)
    torch.save({"state_dict": RunsCode()}, path)
    with pytest.raises(BackboneError, match="never run"):
        read_state_dict(path)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors", ".onnx"])
def test_damaged_or_foreign_files_give_a_clear_error(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"resnet18{suffix}"
    path.write_bytes(b"\x00" * 100)
    with pytest.raises(BackboneError, match=f"resnet18{suffix} cannot be read"):
        read_state_dict(path)


def test_wrapped_and_prefixed_checkpoints_are_unwrapped(
    random_weights: Callable[..., Path],
) -> None:
    state = read_state_dict(random_weights("test_resnet", ".pth"))
    assert set(state) == set(network.create("test_resnet").state_dict())


def test_weights_of_another_model_name_the_keys(random_weights: Callable[..., Path]) -> None:
    path = random_weights("test_vit")
    with pytest.raises(BackboneError, match="do not fit the model 'test_resnet'") as caught:
        load_network("test_resnet", path)
    assert "Missing:" in caught.value.why
    assert "Not expected:" in caught.value.why
    assert "attn.qkv" in caught.value.why


def test_wrong_shapes_are_named(random_weights: Callable[..., Path]) -> None:
    path = random_weights("test_resnet")
    state = load_file(path)
    state["conv1.0.weight"] = torch.zeros(1, 2, 3)
    save_file(state, path)
    with pytest.raises(BackboneError, match=r"conv1\.0\.weight"):
        load_network("test_resnet", path)


def test_any_number_of_classes_and_none_are_taken(random_weights: Callable[..., Path]) -> None:
    path = random_weights("test_resnet", num_classes=7)
    assert load_network("test_resnet", path).num_classes == 7
    state = {k: v for k, v in load_file(path).items() if not k.startswith("fc.")}
    save_file(state, path)
    assert load_network("test_resnet", path).num_classes == 0


def test_adding_copies_and_keeps_the_original(
    tmp_path: Path, random_weights: Callable[..., Path]
) -> None:
    path = random_weights("test_resnet")
    before = path.read_bytes()
    added = add_weights(path, tmp_path / "weights")
    assert added == tmp_path / "weights" / path.name
    assert added.read_bytes() == path.read_bytes() == before
    assert [p.name for p in (tmp_path / "weights").iterdir()] == [path.name]


def test_adding_under_a_name_puts_the_name_first(
    tmp_path: Path, random_weights: Callable[..., Path]
) -> None:
    other = random_weights("test_resnet").rename(tmp_path / "mine.safetensors")
    with pytest.raises(BackboneError, match="NAME=FILE"):
        add_weights(other, tmp_path / "weights")
    assert add_weights(other, tmp_path / "weights", "test_resnet").stem == "test_resnet-mine"


def test_adding_what_does_not_fit_copies_nothing(
    tmp_path: Path, random_weights: Callable[..., Path]
) -> None:
    path = random_weights("test_vit")
    with pytest.raises(BackboneError, match="do not fit"):
        add_weights(path, tmp_path / "weights", "test_resnet")
    assert not (tmp_path / "weights").exists()


class Hub(BaseHTTPRequestHandler):
    """A stand-in for the hub that serves one file."""

    def __init__(self, payload: bytes, *args: object) -> None:
        self.payload = payload
        super().__init__(*args)  # type: ignore[arg-type]

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        if self._answer():
            self.wfile.write(self.payload)

    def log_message(self, *_args: object) -> None:
        pass

    def _answer(self) -> bool:
        found = self.path.startswith("/timm/test_resnet.r160_in1k/resolve/") and (
            self.path.endswith("/model.safetensors")
        )
        self.send_response(200 if found else 404)
        if found:
            self.send_header("ETag", '"0123456789abcdef"')
            self.send_header("X-Repo-Commit", "0" * 40)
            self.send_header("Content-Length", str(len(self.payload)))
        else:
            self.send_header("Content-Length", "0")
        self.end_headers()
        return found


@pytest.fixture
def hub(random_weights: Callable[..., Path]) -> Iterator[str]:
    payload = random_weights("test_resnet").read_bytes()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Hub, payload))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


DOWNLOAD = """
import sys
from pathlib import Path
from dclust_gui.domain.errors import KnownError
from dclust_gui.features.backbones import resolve_backbone
try:
    spec = resolve_backbone("test_resnet", weights_dir=Path(sys.argv[1]), allow_download=True)
except KnownError as error:
    sys.exit(f"{type(error).__name__}: {error}")
print(spec.name, spec.dims, spec.weights_path.name)
"""


def download(weights_dir: Path, endpoint: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    env = os.environ | {
        "HF_ENDPOINT": endpoint,
        "HF_HOME": str(tmp_path / "hf"),
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "NO_PROXY": "127.0.0.1",
    }
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", DOWNLOAD, str(weights_dir)],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        env=env,
    )


def test_asked_download_is_kept_with_its_preprocessing(hub: str, tmp_path: Path) -> None:
    weights_dir = tmp_path / "weights"
    done = download(weights_dir, hub, tmp_path)
    assert done.returncode == 0, done.stderr
    (kept,) = weights_dir.iterdir()
    assert kept.name == "test_resnet.r160_in1k.safetensors"
    assert done.stdout.split()[2] == kept.name
    facts = read_facts(kept)
    assert facts is not None
    assert facts.input_size == (160, 160)
    again = download(weights_dir, "http://127.0.0.1:9", tmp_path)
    assert again.stdout == done.stdout, again.stderr


def test_download_without_a_network_is_a_clear_error(tmp_path: Path) -> None:
    done = download(tmp_path / "weights", "http://127.0.0.1:9", tmp_path)
    assert done.returncode == 1
    assert "BackboneError: The weights of 'test_resnet' could not be downloaded." in done.stderr
    assert "dclust models add" in done.stderr
    assert "Traceback" not in done.stderr
