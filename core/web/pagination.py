from functools import cached_property, partial
from hashlib import sha256
from typing import Any, Final

from django.core.cache.backends.locmem import LocMemCache
from django.core.paginator import Page, Paginator
from rest_framework.pagination import PageNumberPagination
from rest_framework.request import Request

# Of so many rows nobody sees that a few came or went; counting a million took PostgreSQL 0.3 s, dozens of times as
# long as reading the page.
MANY: Final = 1_000
KEPT_SECONDS: Final = 30
counts = LocMemCache("counts", {"TIMEOUT": KEPT_SECONDS, "MAX_ENTRIES": 1_000})


class CountedLate(Paginator):  # type: ignore[type-arg]
    """A first page that is not full needs no count; a count beyond `MANY` is kept for a while under `key`."""

    def __init__(self, rows: Any, per_page: int, *, key: str) -> None:
        super().__init__(rows, per_page)
        self._key = key

    def page(self, number: Any) -> Page:  # type: ignore[type-arg]
        """The rows of a page. Raises InvalidPage."""
        if number not in {1, "1"}:
            return super().page(number)
        rows = list(self.object_list[: self.per_page + 1])  # type: ignore[index]
        if len(rows) <= self.per_page:
            self.count = len(rows)
        return Page(rows[: self.per_page], 1, self)

    @cached_property
    def count(self) -> int:  # type: ignore[override]
        """How many there are; beyond `MANY`, how many there were within the last seconds."""
        kept = counts.get(self._key)
        counted = int(super().count) if kept is None else int(kept)
        if kept is None and counted > MANY:
            counts.set(self._key, counted)
        return counted


class Pages(PageNumberPagination):
    """`page` and `page_size`, twenty rows by default and a hundred at most."""

    page_size_query_param = "page_size"
    max_page_size = 100

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any] | None:
        """The rows of the page that the request asks for. Raises NotFound."""
        whole = request.query_params.copy()
        for word in (self.page_query_param, self.page_size_query_param):
            whole.pop(word, None)
        # What somebody sees is counted for them alone.
        asked = f"{request.user.pk} {request.path} {whole.urlencode()}"

        self.django_paginator_class = partial(  # type: ignore[assignment]
            CountedLate, key=sha256(asked.encode()).hexdigest()
        )
        return super().paginate_queryset(queryset, request, view)
