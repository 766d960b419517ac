#!/usr/bin/env bash
# Runs `newsbeam ingest` on this machine, in a virtual environment (.venv, or NEWSBEAM_VENV).
# Without arguments: over the bundled sample site, which is served on loopback during the run.
# With arguments: passes them to `newsbeam ingest`.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
venv=${NEWSBEAM_VENV:-$here/.venv}
"$here/.ci/environment" "$venv" "$here/requirements.lock"
export PYTHONPATH=$here${PYTHONPATH:+:$PYTHONPATH}
if [ $# -gt 0 ]; then
  exec "$venv/bin/python" -m pipeline ingest "$@"
fi
exec "$venv/bin/python" "$here/sample/server.py" -- "$venv/bin/python" -m pipeline ingest \
  --feeds '{base}/feeds.opml' --allow_private_networks 127.0.0.1/32 --host_delays 127.0.0.1=0 --output "$here/output/sample"
