"""Flags of Beam's Flink job server that streams need, which Beam's Python does not know."""

from argparse import ArgumentParser

from apache_beam.options.pipeline_options import PipelineOptions


class FlinkStreamOptions(PipelineOptions):
    """How Flink keeps what a stream has in hand. The job server reads them."""

    @classmethod
    def _add_argparse_args(cls, parser: ArgumentParser) -> None:
        numbers = {
            "checkpointing_interval": "milliseconds between checkpoints (Flink)",
            "checkpoint_timeout_millis": "longest time that a checkpoint may take (Flink)",
            "number_of_execution_retries": "how often a job is started again (Flink)",
        }
        names = {
            "externalized_checkpoints_enabled": "keep checkpoints of jobs that ended (Flink)",
            "savepoint_path": "savepoint or checkpoint to start from (Flink)",
            "state_backend": "hashmap, rocksdb or the factory of another one (Flink)",
            "state_backend_storage_path": "where checkpoints lie (Flink)",
        }
        for name, text in numbers.items():
            parser.add_argument(f"--{name}", type=int, help=text)
        for name, text in names.items():
            parser.add_argument(f"--{name}", help=text)
        # Else what comes of a bundle at whose end a checkpoint is made waits for the next one, in
        # a stream that may be quiet for long.
        parser.add_argument(
            "--finish_bundle_before_checkpointing",
            action="store_true",
            help="finish bundles before a checkpoint (Flink; always so with --streaming)",
        )
