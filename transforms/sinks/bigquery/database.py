"""The BigQuery database of runs.

Load jobs, which are free of charge, load the files of a run into staging tables. One script then
merges these into the tables in one transaction. The next run repeats an interrupted load, and uses
the jobs that are still running or done.
"""

import logging
from collections.abc import Mapping
from typing import Final

from google.api_core.client_options import ClientOptions
from google.api_core.exceptions import GoogleAPICallError
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery
from google.cloud.bigquery.format_options import ParquetOptions

from schemas import RECORDS, SCHEMA_VERSION, Record
from schemas.ids import stable_id
from transforms.sinks.bigquery.errors import usage_errors
from transforms.sinks.bigquery.jobs import JobSpec, JobT, start_job, wait_for_job
from transforms.sinks.bigquery.options import BigQueryOptions
from transforms.sinks.bigquery.sql import RUNS, load_script
from transforms.sinks.bigquery.tables import (
    create_staging_table,
    get_or_create_dataset,
    prepare_tables,
    staging_schema,
)
from transforms.sinks.databases import later_version_error
from transforms.sinks.joined_files import join_files
from transforms.storage.runs import CommittedRun, read_start_time

_LOG = logging.getLogger("newsbeam.databases")
_FORMATS: Final = {"parquet": "PARQUET", "jsonl": "NEWLINE_DELIMITED_JSON"}
_MAX_SOURCES: Final = 10_000
"""The maximum number of URIs per load job: a quota of BigQuery."""


class BigQueryDatabase:
    """The tables of one dataset. The jobs are billed to its project.

    Args:
        options: The options of BigQuery.
        first_backoff_sec: Seconds before a job that failed with a transient error starts again.

    Raises:
        UsageError: There are no credentials, or no dataset of this name.
    """

    def __init__(self, options: BigQueryOptions, *, first_backoff_sec: float = 2.0) -> None:
        self._options = options
        self._first_backoff_sec = first_backoff_sec
        self._dataset = options.bigquery or ""
        with usage_errors(self.name):
            client = _client(options, None)
            dataset = get_or_create_dataset(client, self._dataset, options.bigquery_location)
            self._client = _client(options, str(dataset.location))

    @property
    def name(self) -> str:
        """The name of the database in messages."""
        return f"BigQuery dataset {self._dataset}"

    def list_loaded_runs(self) -> set[str]:
        """See :meth:`transforms.sinks.databases.Database.list_loaded_runs`."""
        with usage_errors(self.name):
            prepare_tables(self._client, self._dataset, self._options.bigquery_partitions)
            return self._read_run_ids()

    def load(self, run: CommittedRun) -> dict[str, int]:
        """See :meth:`transforms.sinks.databases.Database.load`."""
        started_at = read_start_time(run.folder)
        unknown = set(run.files) - {record.TABLE for record in RECORDS}
        if unknown:
            raise later_version_error(run)
        with usage_errors(self.name):
            if run.run_id in self._read_run_ids():
                return {}
            # A table that was deleted and created again lacks the results of earlier jobs.
            created = self._client.get_table(f"{self._dataset}.{RUNS}").created
            token = stable_id(self._dataset, str(created), run.run_id)
            staged = {table: f"staging_{table}_{token}" for table in sorted(run.files)}
        rows = self._stage(run, staged)
        script = load_script(self._dataset, run.run_id, started_at, staged)
        with usage_errors(f"{self.name}, run {run.run_id}"):
            merged = self._merge(run.run_id, script, token)
        self._drop(staged)
        return rows if merged else {}

    def _read_run_ids(self) -> set[str]:
        """Return the ids of the loaded runs, without a query, which would be billed."""
        column = bigquery.SchemaField("run_id", "STRING")
        rows = self._client.list_rows(f"{self._dataset}.{RUNS}", selected_fields=[column])
        return {str(row["run_id"]) for row in rows}

    def _stage(self, run: CommittedRun, staged: Mapping[str, str]) -> dict[str, int]:
        """Load a run's files into the staging tables in parallel; return the rows by table."""
        started: list[tuple[str, JobSpec[bigquery.LoadJob], bigquery.LoadJob]] = []
        for record in RECORDS:
            if record.TABLE in staged:
                with usage_errors(f"{self.name}, table {staged[record.TABLE]}"):
                    spec = self._load_spec(run, record, staged[record.TABLE])
                    started.append((record.TABLE, spec, start_job(self._client, spec)))
        rows = {}
        for table, spec, job in started:
            with usage_errors(f"{self.name}, table {table} of run {run.run_id}"):
                rows[table] = int(self._wait(spec, job).output_rows)
                self._check_version(run, staged[table])
        return rows

    def _wait(self, spec: JobSpec[JobT], job: JobT) -> JobT:
        return wait_for_job(self._client, spec, job, first_backoff_sec=self._first_backoff_sec)

    def _load_spec(
        self, run: CommittedRun, record: type[Record], staging: str
    ) -> JobSpec[bigquery.LoadJob]:
        create_staging_table(self._client, self._dataset, staging, record)
        target = f"{self._dataset}.{staging}"
        paths, config = run.files[record.TABLE], _load_config(run, record)

        def start(job_id: str) -> bigquery.LoadJob:
            if run.folder.startswith("gs://"):
                return self._client.load_table_from_uri(
                    _sources(run, record), target, job_id=job_id, job_config=config
                )
            with join_files(paths, run.format, record) as file:
                return self._client.load_table_from_file(
                    file, target, job_id=job_id, job_config=config
                )

        def has_result(job: bigquery.LoadJob) -> bool:
            return int(self._client.get_table(target).num_rows or 0) == int(job.output_rows)

        return JobSpec(f"load_{staging}_{stable_id(run.format, *paths)}", start, has_result)

    def _check_version(self, run: CommittedRun, staging: str) -> None:
        column = bigquery.SchemaField("schema_version", "INTEGER")
        target = f"{self._dataset}.{staging}"
        for row in self._client.list_rows(target, selected_fields=[column], max_results=1):
            if int(row["schema_version"]) > SCHEMA_VERSION:
                raise later_version_error(run)

    def _merge(self, run_id: str, script: str, token: str) -> bool:
        """Merge the staging tables; return False if the tables already had the run."""

        def start(job_id: str) -> bigquery.QueryJob:
            return self._client.query(script, job_id=job_id, job_retry=None)

        spec = JobSpec(f"merge_{token}", start, lambda _: run_id in self._read_run_ids())
        job = self._wait(spec, start_job(self._client, spec))
        ((merged,),) = job.result()
        return bool(merged)

    def _drop(self, staged: Mapping[str, str]) -> None:
        for table in staged.values():
            try:
                self._client.delete_table(f"{self._dataset}.{table}", not_found_ok=True)
            except GoogleAPICallError as error:  # harmless: the table expires in a day
                _LOG.warning("%s: cannot delete %s: %s", self.name, table, error.message)


def _sources(run: CommittedRun, record: type[Record]) -> list[str]:
    """Return the URIs of a run's files; one pattern if there are too many for a load job."""
    paths = list(run.files[record.TABLE])
    pattern = f"{run.folder}/{run.format}/{record.TABLE}/*.{run.format}"
    return paths if len(paths) <= _MAX_SOURCES else [pattern]


def _load_config(run: CommittedRun, record: type[Record]) -> bigquery.LoadJobConfig:
    config = bigquery.LoadJobConfig(
        source_format=_FORMATS[run.format],
        schema=staging_schema(record),  # else the schema of the file would replace it
        create_disposition="CREATE_NEVER",
        write_disposition="WRITE_TRUNCATE",
    )
    if run.format == "parquet":
        lists = ParquetOptions()  # type: ignore[no-untyped-call]
        lists.enable_list_inference = True  # else a list becomes a record with a list in it
        config.parquet_options = lists
    return config


def _client(options: BigQueryOptions, location: str | None) -> bigquery.Client:
    """Return a client of the dataset's project; without credentials for an emulator."""
    endpoint = options.bigquery_endpoint
    return bigquery.Client(
        project=(options.bigquery or "").rpartition(".")[0],
        location=location,
        credentials=AnonymousCredentials() if endpoint and endpoint[:5] == "http:" else None,  # type: ignore[no-untyped-call]
        client_options=ClientOptions(api_endpoint=endpoint) if endpoint else None,
    )
