"""BigQuery as a database that is filled from runs.

The files of a run are loaded into staging tables, by jobs that cost nothing, and one script merges
them into the tables in one transaction. A run whose load was cut off anywhere in between is loaded
the next time, by the jobs that are under way or done where there are any.
"""

import logging
from collections.abc import Mapping
from typing import Any, Final

from google.api_core.client_options import ClientOptions
from google.api_core.exceptions import GoogleAPICallError
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery
from google.cloud.bigquery.format_options import ParquetOptions

from schemas import RECORDS, SCHEMA_VERSION, Record
from schemas.ids import stable_id
from transforms.core.errors import UsageError
from transforms.core.options import require
from transforms.sinks.bigquery.errors import usage_errors
from transforms.sinks.bigquery.jobs import Work, begin, end
from transforms.sinks.bigquery.options import BigQueryOptions
from transforms.sinks.bigquery.sql import RUNS, load_script
from transforms.sinks.bigquery.tables import dataset_of, make_staging, ready, staging_schema
from transforms.sinks.joined_files import joined
from transforms.storage.runs import CommittedRun, read_start_time

_LOG = logging.getLogger("newsbeam.databases")
_FORMATS: Final = {"parquet": "PARQUET", "jsonl": "NEWLINE_DELIMITED_JSON"}
_MAX_SOURCES: Final = 10_000


class BigQueryDatabase:
    """The tables of one dataset. Its project pays for the jobs.

    Raises:
        UsageError: there are no credentials, or no dataset of this name.
    """

    def __init__(self, options: BigQueryOptions) -> None:
        self._options = options
        self._dataset = options.bigquery or ""
        with usage_errors(self.name):
            client = _client(options, None)
            dataset = dataset_of(client, self._dataset, options.bigquery_location)
            self._client = _client(options, str(dataset.location))

    @property
    def name(self) -> str:
        """How messages name it."""
        return f"BigQuery dataset {self._dataset}"

    def list_loaded_runs(self) -> set[str]:
        """See :meth:`transforms.sinks.databases.Database.list_loaded_runs`."""
        with usage_errors(self.name):
            ready(self._client, self._dataset, self._options.bigquery_partitions)
            return self._held()

    def load(self, run: CommittedRun) -> dict[str, int]:
        """See :meth:`transforms.sinks.databases.Database.load`."""
        started_at = read_start_time(run.folder)
        unknown = set(run.files) - {record.TABLE for record in RECORDS}
        require(not unknown, f"run {run.run_id} was written by a later Newsbeam; update this one")
        with usage_errors(self.name):
            if run.run_id in self._held():
                return {}
            # A table that was deleted and made anew has not what earlier jobs put into it.
            made = self._client.get_table(f"{self._dataset}.{RUNS}").created
            token = stable_id(self._dataset, str(made), run.run_id)
            staged = {table: f"staging_{table}_{token}" for table in sorted(run.files)}
        rows = self._stage(run, staged)
        script = load_script(self._dataset, run.run_id, started_at, staged)
        with usage_errors(f"{self.name}, run {run.run_id}"):
            taken_in = self._merge(run.run_id, script, token)
        self._drop(staged)
        return rows if taken_in else {}

    def _held(self) -> set[str]:
        """Read off the table itself: a query would cost, and this is as fresh."""
        column = bigquery.SchemaField("run_id", "STRING")
        rows = self._client.list_rows(f"{self._dataset}.{RUNS}", selected_fields=[column])
        return {str(row["run_id"]) for row in rows}

    def _stage(self, run: CommittedRun, staged: Mapping[str, str]) -> dict[str, int]:
        """Load a run's files; the jobs go side by side. Returns the rows by table."""
        begun: list[tuple[str, Work, Any]] = []
        for record in RECORDS:
            if record.TABLE in staged:
                with usage_errors(f"{self.name}, table {staged[record.TABLE]}"):
                    work = self._load_work(run, record, staged[record.TABLE])
                    begun.append((record.TABLE, work, begin(self._client, work)))
        rows = {}
        for table, work, job in begun:
            with usage_errors(f"{self.name}, table {table} of run {run.run_id}"):
                rows[table] = int(end(self._client, work, job).output_rows)
                self._check_version(run, staged[table])
        return rows

    def _load_work(self, run: CommittedRun, record: type[Record], staging: str) -> Work:
        make_staging(self._client, self._dataset, staging, record)
        target = f"{self._dataset}.{staging}"
        paths, config = run.files[record.TABLE], _load_config(run, record)

        def start(job_id: str) -> Any:
            if run.folder.startswith("gs://"):
                return self._client.load_table_from_uri(
                    _sources(run, record), target, job_id=job_id, job_config=config
                )
            with joined(paths, run.format, record) as file:
                return self._client.load_table_from_file(
                    file, target, job_id=job_id, job_config=config
                )

        def holds(job: Any) -> bool:
            return int(self._client.get_table(target).num_rows or 0) == int(job.output_rows)

        return Work(f"load_{staging}_{stable_id(run.format, *paths)}", start, holds)

    def _check_version(self, run: CommittedRun, staging: str) -> None:
        column = bigquery.SchemaField("schema_version", "INTEGER")
        target = f"{self._dataset}.{staging}"
        for row in self._client.list_rows(target, selected_fields=[column], max_results=1):
            if int(row["schema_version"]) > SCHEMA_VERSION:
                message = f"run {run.run_id} was written by a later Newsbeam; update this one"
                raise UsageError(message)

    def _merge(self, run_id: str, script: str, token: str) -> bool:
        """Take in what is staged; whether it was not there already."""

        def start(job_id: str) -> Any:
            return self._client.query(script, job_id=job_id, job_retry=None)

        work = Work(f"merge_{token}", start, lambda _: run_id in self._held())
        job = end(self._client, work, begin(self._client, work))
        ((taken_in,),) = job.result()
        return bool(taken_in)

    def _drop(self, staged: Mapping[str, str]) -> None:
        for table in staged.values():
            try:
                self._client.delete_table(f"{self._dataset}.{table}", not_found_ok=True)
            except GoogleAPICallError as error:  # the run is there, and the table goes in a day
                _LOG.warning("%s: cannot delete %s: %s", self.name, table, error.message)


def _sources(run: CommittedRun, record: type[Record]) -> list[str]:
    """The files of a run that BigQuery reads itself: a job takes 10,000 addresses, or a pattern."""
    paths = list(run.files[record.TABLE])
    pattern = f"{run.folder}/{run.format}/{record.TABLE}/*.{run.format}"
    return paths if len(paths) <= _MAX_SOURCES else [pattern]


def _load_config(run: CommittedRun, record: type[Record]) -> bigquery.LoadJobConfig:
    config = bigquery.LoadJobConfig(
        source_format=_FORMATS[run.format],
        schema=staging_schema(record),  # else that of the file would take its place
        create_disposition="CREATE_NEVER",
        write_disposition="WRITE_TRUNCATE",
    )
    if run.format == "parquet":
        lists = ParquetOptions()  # type: ignore[no-untyped-call]
        lists.enable_list_inference = True  # else a list is a record with a list in it
        config.parquet_options = lists
    return config


def _client(options: BigQueryOptions, location: str | None) -> bigquery.Client:
    """A client of the dataset's project; without credentials for an emulator."""
    endpoint = options.bigquery_endpoint
    return bigquery.Client(
        project=(options.bigquery or "").rpartition(".")[0],
        location=location,
        credentials=AnonymousCredentials() if endpoint and endpoint[:5] == "http:" else None,  # type: ignore[no-untyped-call]
        client_options=ClientOptions(api_endpoint=endpoint) if endpoint else None,
    )
