"""The flags of the PostgreSQL sink. Imports no driver, since most runs need none."""

import re
from dataclasses import dataclass
from typing import Final

from transforms.core.options import flag, require

_SCHEMA: Final = re.compile(r"(?!pg_)[a-z_][a-z0-9_]{0,62}")


@dataclass(frozen=True, repr=False)  # the connection string may hold a password
class PostgresOptions:
    """The database that runs are loaded into, and how long to wait for it."""

    postgres: str | None = flag(
        "PostgreSQL database into which all runs of the output are loaded: a URL or key=value "
        "pairs, as libpq reads them. Leave the password to PGPASSWORD or ~/.pgpass",
        default=None,
        metavar="DSN",
    )
    postgres_schema: str = flag(
        "schema of its tables; it is created if it does not exist",
        default="newsbeam",
        metavar="NAME",
    )
    postgres_timeout_sec: float = flag(
        "maximum seconds for a statement, including the wait for another load",
        default=600.0,
        type=float,
        metavar="SECONDS",
    )

    def __post_init__(self) -> None:
        require(
            bool(_SCHEMA.fullmatch(self.postgres_schema)),
            "--postgres_schema: lower-case letters, digits and _, not beginning with pg_",
        )
        require(
            0.001 <= self.postgres_timeout_sec <= 86_400,
            "--postgres_timeout_sec is from 0.001 to 86400",
        )
