#!/bin/sh
# Prepares PaddleOCR's own data loader and trainer code in an environment of its own.
#
# The 3.7.0 source distribution is unpacked under .cache/paddleocr/ (no line of it is committed), and its
# dependencies, paddlepaddle among them (700 MB), go to .venv-paddle. Runs again in a second.
set -eu
cd "$(dirname "$0")/.."
uv=${UV:-.venv/bin/uv}
python=${PYTHON:-.venv/bin/python}
version=3.7.0
cache=.cache/paddleocr

if [ ! -f "$cache/paddleocr-$version/ppocr/data/simple_dataset.py" ]; then
    mkdir -p "$cache"
    # pip, since uv has no `download`; with the lock's hashes. A half-unpacked folder never gets the final name
    sed -n '/^paddleocr==/,/[^\\]$/p' locks/paddle.txt > "$cache/paddleocr.txt"
    "$python" -m pip download --quiet --disable-pip-version-check --no-deps --no-binary paddleocr \
        --dest "$cache" --require-hashes -r "$cache/paddleocr.txt"
    unpacked=$(mktemp -d "$cache/unpack.XXXXXX")
    tar -xzf "$cache/paddleocr-$version.tar.gz" -C "$unpacked"
    rm -rf "$cache/paddleocr-$version"
    mv "$unpacked/paddleocr-$version" "$cache/paddleocr-$version"
    rmdir "$unpacked"
fi

if ! cmp -s locks/paddle.txt .venv-paddle/installed.txt; then
    [ -x .venv-paddle/bin/python ] || "$uv" venv --quiet --python "$("$python" -c 'import sys; print(sys.executable)')" .venv-paddle
    "$uv" pip sync --quiet --no-config --python .venv-paddle/bin/python locks/paddle.txt
    cp locks/paddle.txt .venv-paddle/installed.txt
fi
