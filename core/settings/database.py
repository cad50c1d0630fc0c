"""SQLite by default, safe under many writers; PostgreSQL by DATABASE_URL, with every wait bounded."""

from typing import Any

import environ

from core.settings import env
from core.settings.base import DATA_DIR

# Every answer comes within 5 s, also when the database does not; migrations and sweeps may take longer.
SERVES_HTTP = env.boolean("SERVES_HTTP", default=False)
LIMITS = {"lock_timeout": 4_000, "idle_in_transaction_session_timeout": 60_000}
if SERVES_HTTP:
    LIMITS["statement_timeout"] = 4_500
POSTGRES_OPTIONS = " ".join(f"-c {name}={milliseconds}" for name, milliseconds in LIMITS.items())
SQLITE_WAITS = 4 if SERVES_HTTP else 20
SQLITE_PRAGMAS = "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;"


def database(url: str) -> dict[str, Any]:
    """Django's settings of the database behind the URL."""
    if not url.startswith(("sqlite://", "postgres://", "postgresql://")):
        raise ValueError
    config: dict[str, Any] = dict(environ.Env.db_url_config(url))
    if not config["NAME"]:
        raise ValueError
    if config["ENGINE"].endswith("sqlite3"):
        config["OPTIONS"] = {"transaction_mode": "IMMEDIATE", "timeout": SQLITE_WAITS, "init_command": SQLITE_PRAGMAS}
        return config
    config["CONN_MAX_AGE"] = 0
    config["CONN_HEALTH_CHECKS"] = True
    options = dict(config.get("OPTIONS", {}))
    config["HOST"] = options.pop("host", config["HOST"])  # as of a directory of sockets: ?host=/run/postgresql
    config["OPTIONS"] = {
        **options,
        "options": POSTGRES_OPTIONS,
        "connect_timeout": 3,
        "pool": {"min_size": 1, "max_size": DATABASE_POOL_SIZE, "timeout": 4, "max_idle": 60},
    }
    return config


DATABASE_POOL_SIZE = env.integer("DATABASE_POOL_SIZE", 20, least=1, most=1_000)
DATABASES = {
    "default": env.read(
        "DATABASE_URL",
        f"sqlite:///{DATA_DIR / 'db.sqlite3'}",
        "sqlite:///path or postgres://user:password@host:port/name",
        database,
    )
}
