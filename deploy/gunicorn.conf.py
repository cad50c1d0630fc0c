"""gunicorn for HTTP: `gunicorn core.wsgi --config deploy/gunicorn.conf.py`; sockets run beside it on uvicorn.

Read by gunicorn itself. Threads wait for the database, so a few processes with several threads each carry the load.
"""

import os
import tempfile
from typing import Any

bind = f"{os.environ.get('BIND', '127.0.0.1')}:{os.environ.get('PORT') or 8000}"
workers = int(os.environ.get("WEB_WORKERS", "2"))
worker_class = "gthread"
threads = 8
# No answer takes longer than 5 s; a worker that hangs is replaced.
timeout = 30
graceful_timeout = 10
keepalive = 75  # longer than a proxy's, so that it is the proxy that ends a connection
max_requests = 20_000
max_requests_jitter = 2_000
accesslog = None  # django-structlog writes the request log
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108, PTH112 - a heartbeat file, not on a disk

# The counts of all workers meet here; it begins empty with each start.
os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="appointments-metrics-")


def child_exit(server: Any, worker: Any) -> None:
    """Take the gauges of a worker that has ended out of the sum."""
    from prometheus_client import multiprocess  # noqa: PLC0415 - only where a worker ends

    multiprocess.mark_process_dead(worker.pid)
