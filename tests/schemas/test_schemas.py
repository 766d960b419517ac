"""One definition a record: every schema and every encoding derived from it must agree."""

import dataclasses
import datetime as dt
import io
import json
import pickle
import subprocess
import sys
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from apache_beam.coders import registry
from apache_beam.runners.pipeline_context import PipelineContext

from schemas import RECORDS, Article, Record
from schemas.arrow import arrow_schema, arrow_table
from schemas.bigquery import bigquery_schema
from schemas.coders import row_coder_of
from schemas.fields import Field, fields_of
from schemas.ids import stable_id
from schemas.jsonable import from_json, to_json, to_line
from schemas.sql import create_table

_VALUES: dict[str, Any] = {
    "string": "Zoë “x”",
    "integer": 7,
    "float": 0.25,
    "boolean": True,
    "timestamp": dt.datetime(2026, 11, 20, 9, 30, 0, 123, tzinfo=dt.timezone.utc),
    "date": dt.date(2026, 11, 20),
}


def example(record: type, *, sparse: bool) -> Any:
    """A record with every field filled, or with nulls and empty lists wherever allowed."""

    def value(field: Field) -> Any:
        if sparse and field.nullable:
            return None
        if sparse and field.repeated:
            return []
        one = example(field.record, sparse=sparse) if field.record else _VALUES[field.kind]
        return [one, one] if field.repeated else one

    return record(**{f.name: value(f) for f in fields_of(record)})


@pytest.fixture(params=[False, True], ids=["full", "sparse"])
def sparse(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.mark.parametrize("record", RECORDS)
def test_all_schemas_name_the_same_columns_in_the_same_order(record: type[Record]) -> None:
    names = [f.name for f in dataclasses.fields(record)]
    assert arrow_schema(record).names == names
    assert [c["name"] for c in bigquery_schema(record)["fields"]] == names
    assert [f.name for f in row_coder_of(record).schema.fields] == names
    assert list(to_json(example(record, sparse=False))) == names
    with duckdb.connect() as db:
        db.execute(create_table(record, "duckdb"))
        assert [c[0] for c in db.execute(f'DESCRIBE "{record.TABLE}"').fetchall()] == names
    assert record.KEY in names


@pytest.mark.parametrize("record", RECORDS)
def test_nullability_agrees(record: type[Record]) -> None:
    for field, arrow, bigquery in zip(
        fields_of(record), arrow_schema(record), bigquery_schema(record)["fields"], strict=True
    ):
        assert arrow.nullable == field.nullable
        assert (bigquery["mode"] == "NULLABLE") == field.nullable
        assert (bigquery["mode"] == "REPEATED") == field.repeated == pa.types.is_list(arrow.type)


@pytest.mark.parametrize("record", RECORDS)
def test_every_field_says_what_it_means(record: type[Record]) -> None:
    assert all(f.doc for f in fields_of(record))


@pytest.mark.parametrize("record", RECORDS)
def test_beam_rows_come_back_equal(record: type[Record], sparse: bool) -> None:
    coder = registry.get_coder(record)
    value = example(record, sparse=sparse)
    assert coder.decode(coder.encode(value)) == value
    rows = row_coder_of(record)
    assert rows.decode(rows.encode(value)) == value


def test_large_rows_are_packed() -> None:
    article = dataclasses.replace(example(Article, sparse=False), text="Some words. " * 1000)
    coder = registry.get_coder(Article)
    data = coder.encode(article)
    assert len(data) < 2000 and coder.decode(data) == article
    pairs = registry.get_coder(tuple[str, Article])  # within another coder
    assert pairs.decode(pairs.encode(("a", article))) == ("a", article)


def test_rows_come_back_as_records_in_another_process() -> None:
    """A worker has the coder as Beam sends it, and has imported nothing of ours."""
    article = example(RECORDS[0], sparse=False)
    coder = registry.get_coder(type(article))
    as_sent = coder.to_runner_api(PipelineContext()).SerializeToString()
    script = """
import pickle, sys
from apache_beam.coders import Coder
from apache_beam.portability.api import beam_runner_api_pb2
from apache_beam.runners.pipeline_context import PipelineContext
as_sent, data = pickle.load(sys.stdin.buffer)
proto = beam_runner_api_pb2.Coder.FromString(as_sent)
coder = Coder.from_runner_api(proto, PipelineContext())
record = coder.decode(data)
print(type(record).__module__, type(record).__name__, record.published_at.isoformat())
"""
    sent = pickle.dumps((as_sent, coder.encode(article)))
    done = subprocess.run([sys.executable, "-c", script], input=sent, capture_output=True)
    assert done.returncode == 0, done.stderr
    time = article.published_at.isoformat()
    assert done.stdout.decode().split() == ["schemas.records", "Article", time]


@pytest.mark.parametrize("record", RECORDS)
def test_json_comes_back_equal(record: type[Record], sparse: bool) -> None:
    value = example(record, sparse=sparse)
    assert from_json(record, json.loads(to_line(value))) == value


@pytest.mark.parametrize("record", RECORDS)
def test_parquet_says_what_json_says(record: type[Record], sparse: bool) -> None:
    value = example(record, sparse=sparse)
    file = io.BytesIO()
    pq.write_table(arrow_table(record, [value, value]), file)
    (row, again) = pq.read_table(file).to_pylist()
    assert row == again == dataclasses.asdict(value)


@pytest.mark.parametrize("record", RECORDS)
def test_parquet_fits_the_sql_table(record: type[Record]) -> None:
    value = example(record, sparse=False)
    with duckdb.connect() as db:
        db.execute(create_table(record, "duckdb"))
        db.register("rows", arrow_table(record, [value]))
        db.execute(f'INSERT INTO "{record.TABLE}" SELECT * FROM rows')
        assert db.execute(f'SELECT count(*) FROM "{record.TABLE}"').fetchall() == [(1,)]


def test_postgresql_ddl_keeps_nested_records_as_json() -> None:
    statement = create_table(next(r for r in RECORDS if r.TABLE == "entities"), "postgresql")
    assert '"mentions" jsonb NOT NULL' in statement
    assert 'PRIMARY KEY ("entity_id")' in statement


def test_ids_are_the_same_everywhere_and_never_run_together() -> None:
    assert stable_id("a", 1, None) == stable_id("a", "1", None)
    assert len({stable_id("ab", "c"), stable_id("a", "bc"), stable_id("abc"), stable_id()}) == 4
    assert stable_id(None) != stable_id("")


def test_a_type_without_a_schema_is_refused() -> None:
    @dataclasses.dataclass
    class Odd:
        what: complex

    with pytest.raises(TypeError, match=r"Odd\.what"):
        fields_of(Odd)
