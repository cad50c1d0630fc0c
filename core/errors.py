"""The root of every expected refusal; the mapping to HTTP lives in `core.web.errors` and nowhere else."""

from collections.abc import Mapping
from typing import Any


class DomainError(Exception):
    """A refusal that the caller can understand and act on: a stable `code` and a sentence for people.

    `attr` names the input field at fault, `extra` is merged into the error body (a conflict's `current`),
    `retry_after` is in seconds.
    """

    code = "invalid"

    def __init__(
        self,
        detail: str,
        *,
        code: str | None = None,
        attr: str | None = None,
        extra: Mapping[str, Any] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or type(self).code
        self.attr = attr
        self.extra = dict(extra or {})
        self.retry_after = retry_after
