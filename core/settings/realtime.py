"""The channel layer: a hint only, so lossy is fine; deaf or blocking is not."""

from typing import Any
from urllib.parse import urlsplit

from core.settings import env

CHANNEL_LAYER_BACKEND = env.dotted("CHANNEL_LAYER_BACKEND", "channels_redis.pubsub.RedisPubSubChannelLayer")


def layer_url(raw: str) -> str:
    """A Redis URL, also from `host` or `host:port`."""
    if "://" not in raw:
        host, _, port = raw.partition(":")
        raw = f"redis://{host}:{int(port or 6379)}/1"
    parts = urlsplit(raw)
    if parts.scheme not in {"redis", "rediss", "unix"} or not (parts.hostname or parts.path):
        raise ValueError
    parts.port  # noqa: B018 - raises ValueError where the port is none
    return raw


CHANNEL_LAYER_HOST = env.read(
    "CHANNEL_LAYER_HOST", "redis://127.0.0.1:6379/1", "redis://host:port/number or host:port", layer_url
)
# Without socket_timeout=None redis-py ends idle subscriptions after 5 s.
LAYER_HOST: dict[str, Any] = {
    "address": CHANNEL_LAYER_HOST,
    "socket_timeout": None,
    "socket_connect_timeout": 1,
    "socket_keepalive": True,
    "health_check_interval": 10,
}
CHANNEL_LAYERS: dict[str, dict[str, Any]] = {"default": {"BACKEND": CHANNEL_LAYER_BACKEND}}
if "redis" in CHANNEL_LAYER_BACKEND.lower():
    CHANNEL_LAYERS["default"]["CONFIG"] = {"hosts": [LAYER_HOST], "prefix": "appointments"}
