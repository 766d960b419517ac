import psycopg

from benchmarks.postgres import SCHEMA, measure_speeds
from tests.support.postgres_server import serve_postgres


def test_speeds_are_measured_and_no_table_is_left() -> None:
    with serve_postgres() as server:
        dsn = server.create_database("benchmark")
        speeds = measure_speeds(dsn, 20)
        with psycopg.connect(dsn) as connection:
            query = "SELECT FROM pg_namespace WHERE nspname = %s"
            assert connection.execute(query, [SCHEMA]).fetchall() == []
    assert list(speeds) == ["new", "again", "bare COPY"] and min(speeds.values()) > 0
