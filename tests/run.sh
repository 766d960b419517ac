#!/usr/bin/env bash
# Linter, type checks and tests, in an environment of their own (NEWSBEAM_TEST_VENV to choose it).
set -euo pipefail
cd "$(dirname "$0")/.."
venv=${NEWSBEAM_TEST_VENV:-.venv-test}
.ci/environment "$venv" requirements-dev.lock
"$venv/bin/ruff" check .
"$venv/bin/ruff" format --check .
"$venv/bin/mypy"
exec .ci/pytest "$venv" "$@"
