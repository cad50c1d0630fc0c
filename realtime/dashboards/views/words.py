"""The translations of what scripts say."""

from django.conf import settings
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.utils import translation
from django.views.decorators.cache import cache_control
from django.views.i18n import JavaScriptCatalog

_catalog = JavaScriptCatalog.as_view(packages=["realtime.dashboards"])


@cache_control(public=True, max_age=300)
def catalog(request: HttpRequest, language: str) -> HttpResponseBase:
    """Django's catalogue of one language."""
    if language not in dict(settings.LANGUAGES):
        raise Http404
    with translation.override(language):
        return _catalog(request)
