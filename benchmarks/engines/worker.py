"""An SDK worker that notes every bundle that it has done, in a file with its process id."""

import argparse
import os
import time
from pathlib import Path
from typing import Any

from apache_beam.runners.worker.sdk_worker import SdkHarness, SdkWorker


class _Worker(SdkWorker):
    def __init__(self, bundle_processor_cache: Any, notes: Path) -> None:
        super().__init__(bundle_processor_cache)
        self._notes = notes

    def process_bundle(self, request: Any, instruction_id: str) -> Any:
        start = time.monotonic()
        answer = super().process_bundle(request, instruction_id)
        with self._notes.open("a", encoding="utf-8") as file:
            file.write(f"{start} {time.monotonic()}\n")
        return answer


class _Harness(SdkHarness):
    def __init__(self, control: str, worker_id: str, notes: Path) -> None:
        super().__init__(control, worker_id=worker_id, state_cache_size=0)
        self._notes = notes

    def create_worker(self) -> SdkWorker:
        return _Worker(self._bundle_processor_cache, self._notes)


def main() -> None:
    """Work until the engine has no more work."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--control", required=True)
    parser.add_argument("--id", required=True)
    parser.add_argument("--folder", type=Path, required=True)
    args = parser.parse_args()
    _Harness(args.control, args.id, args.folder / f"{os.getpid()}.bundles").run()


if __name__ == "__main__":
    main()
