#!/usr/bin/env bash
# Makes the one-folder build in build/frozen/dclust and tries it: no Python on PATH, no network,
# the main job without a window, and the real window on a virtual screen where Xvfb is installed.
# Needs an environment with the project and its extra "package" installed; PYTHON names its Python.
set -euo pipefail
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-python3}
OUT=build/frozen
"$PYTHON" -m PyInstaller --noconfirm --clean --log-level WARN \
  --distpath "$OUT" --workpath build/pyinstaller packaging/dclust.spec
PROGRAM=$PWD/$OUT/dclust

try=$(mktemp -d)
trap 'rm -rf "$try"' EXIT
offline() { # runs a command with an empty environment; without a network where the system allows it
  local run=(env -i HOME="$try" PATH=/nonexistent LANG=C.UTF-8
    DCLUST_CACHE_DIR="$try/cache" DCLUST_DATA_DIR="$try/data" "$@")
  if unshare -rn true 2>/dev/null; then unshare -rn "${run[@]}"; else "${run[@]}"; fi
}
(cd "$try" && offline "$PROGRAM/dclust" doctor && offline "$PROGRAM/dclust" demo sample)
clusters=$(find "$try/sample/clusters" -mindepth 1 -maxdepth 1 -type d | wc -l)
images=$(find "$try/sample/clusters" -name '*.png' | wc -l)
[ "$clusters" -ge 2 ] && [ "$images" -gt 100 ] || { echo "the frozen main job failed" >&2; exit 1; }
echo "frozen main job: $images images in $clusters folders"

if command -v Xvfb >/dev/null; then
  "$PYTHON" packaging/try_window.py "$PROGRAM/dclust-gui" "$try/sample/images" "$OUT/window.png"
else
  echo "Xvfb is not installed: the window was not tried" >&2
fi
du -sh "$PROGRAM"
