#!/bin/sh
# Prepare .venv for the groups named as arguments (see [dependency-groups] in pyproject.toml), then return.
#
# PYTHON=... chooses the interpreter; without it the first of python3.13, python3.12, python3.11 and python3
# that is new enough and can make environments is taken. Nothing is done when everything is in place.
set -eu
cd "$(dirname "$0")/.."

fits() {
    "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

version() {
    "$1" -c 'import sys; print(sys.version_info[:2])' 2>/dev/null || true
}

choose() {
    for candidate in ${PYTHON:-python3.13 python3.12 python3.11 python3}; do
        if fits "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    echo "Hookstation needs Python 3.11 or newer with its venv module; none of these fits: ${PYTHON:-python3.13 python3.12 python3.11 python3}. Install one (on Debian: python3 and python3-venv), or name it: make PYTHON=/path/to/python3" >&2
    exit 1
}

if ! fits .venv/bin/python || { [ -n "${PYTHON:-}" ] && [ "$(version "$PYTHON")" != "$(version .venv/bin/python)" ]; }; then
    chosen=$(choose)
    echo "Making .venv with $chosen" >&2
    "$chosen" -m venv --clear .venv
fi
exec .venv/bin/python tools/environment.py "$@"
