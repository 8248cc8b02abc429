#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The Python tests against an extension that is built with ASan and UBSan. It goes into a venv of
# its own, which borrows everything else from .venv. Called by `make sanitize`.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
flags="-O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined"
venv=build/sanitize-venv

runtime=$("${CC:-cc}" -print-file-name=libasan.so)
if [[ $runtime != /* ]]; then
    echo "skipped: ${CC:-cc} has no shared ASan runtime to preload"
    exit 0
fi

.venv/bin/python -m venv --without-pip "$venv"
packages=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' > "$packages/borrowed.pth"
# A sanitized package that is installed already would be imported by its own next build.
rm -rf "$packages/margin_core"
.venv/bin/python -m pip install --quiet --no-build-isolation --no-deps --upgrade \
    --target "$packages" --config-settings build-dir=build/sanitize-python \
    --config-settings cmake.build-type=None \
    --config-settings "cmake.define.CMAKE_C_FLAGS=$flags" .

# Exceptions of C++ packages are caught only if their runtime is there when ASan starts. Python
# itself never frees everything, so leaks are looked for in the C tests only.
exceptions=$("${CC:-cc}" -print-file-name=libstdc++.so.6)
LD_PRELOAD="$runtime $exceptions" ASAN_OPTIONS=detect_leaks=0 \
    "$venv/bin/python" -m pytest tests/python tests/properties \
    --ignore tests/python/test_speed.py "$@"
