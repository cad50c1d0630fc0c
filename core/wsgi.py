"""For gunicorn: HTTP only; sockets are served by `core.asgi:sockets`."""

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")
os.environ["SERVES_HTTP"] = "true"
application = get_wsgi_application()
del os.environ["SERVES_HTTP"]  # read by now, and not meant for processes started from here

from core.checks import refuse_unsafe_start  # noqa: E402 - needs the applications loaded
from core.liveness.heart import start_heart  # noqa: E402
from core.liveness.models import Part  # noqa: E402

refuse_unsafe_start()
start_heart(Part.WEB)
gc.freeze()  # as in core/asgi.py
