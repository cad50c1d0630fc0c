import gc
import os

import django

from core.web.handler import Handler

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")
os.environ["SERVES_HTTP"] = "true"
django.setup(set_prefix=False)
http = Handler()
del os.environ["SERVES_HTTP"]  # read by now, and not meant for processes started from here

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402 - needs the applications loaded

from core.checks import refuse_unsafe_start  # noqa: E402
from core.web.ceiling import answer_in_time  # noqa: E402
from realtime.heartbeat import beating  # noqa: E402
from realtime.routing import websocket_urlpatterns  # noqa: E402

refuse_unsafe_start()
# Beside gunicorn: its heartbeat alone says whether people can answer, so this one does not speak for the web.
sockets = ProtocolTypeRouter({"http": answer_in_time(http), "websocket": URLRouter(websocket_urlpatterns)})
application = beating(sockets)
# The pages came after the applications, and are left alone as those are: to look through them holds every request up.
gc.freeze()
