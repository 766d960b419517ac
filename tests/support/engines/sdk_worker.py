"""An SDK worker that notes the bundles that it begins and has done, in files of its process id."""

import argparse
import os
import time
from pathlib import Path
from typing import Any, Final

from apache_beam.runners.worker.sdk_worker import SdkHarness, SdkWorker

BEGUN: Final = "begun"
DONE: Final = "done"


class _RecordingWorker(SdkWorker):
    def __init__(self, bundle_processor_cache: Any, folder: Path) -> None:
        super().__init__(bundle_processor_cache)
        self._folder = folder

    def process_bundle(self, request: Any, instruction_id: str) -> Any:
        start = time.monotonic()
        self._note(BEGUN, f"{start}")
        answer = super().process_bundle(request, instruction_id)
        self._note(DONE, f"{start} {time.monotonic()}")
        return answer

    def _note(self, what: str, line: str) -> None:
        with (self._folder / f"{os.getpid()}.{what}").open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")


class _RecordingHarness(SdkHarness):
    def __init__(self, control: str, worker_id: str, folder: Path) -> None:
        super().__init__(control, worker_id=worker_id, state_cache_size=0)
        self._folder = folder

    def create_worker(self) -> SdkWorker:
        return _RecordingWorker(self._bundle_processor_cache, self._folder)


def main() -> None:
    """Work until the engine has no more work."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--control", required=True)
    parser.add_argument("--id", required=True)
    parser.add_argument("--folder", type=Path, required=True)
    args = parser.parse_args()
    _RecordingHarness(args.control, args.id, args.folder).run()


if __name__ == "__main__":
    main()
