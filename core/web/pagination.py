from rest_framework.pagination import PageNumberPagination


class Pages(PageNumberPagination):
    """`page` and `page_size`, twenty rows by default and a hundred at most."""

    page_size_query_param = "page_size"
    max_page_size = 100
