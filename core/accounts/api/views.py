from typing import Any
from urllib.parse import urlencode

from django.db import transaction
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from knox.models import AuthToken
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.accounts import calendar_keys
from core.accounts.api.serializers import CalendarKeySchema, LoginInput, MeSerializer, TokenSchema
from core.accounts.login import close_sockets, sign_in, sign_out
from core.accounts.models import User
from core.web.arrival import arrived_at


def _me(request: Request) -> User:
    assert isinstance(request.user, User)
    return request.user


class LoginView(APIView):
    """Exchange a name and a password for a token."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(request=LoginInput, responses=TokenSchema)
    def post(self, request: Request) -> Response:
        form = LoginInput(data=request.data)
        form.is_valid(raise_exception=True)
        user = sign_in(request._request, **form.validated_data)
        row, token = AuthToken.objects.create(user)
        return Response({"token": token, "expiry": row.expiry, "user": MeSerializer(user).data})

    def get_authenticate_header(self, request: Request) -> str:
        return "Token"


class LogoutView(APIView):
    """End the token (or session) of this request."""

    @extend_schema(request=None, responses={204: None})
    def post(self, request: Request) -> Response:
        token, now = request.auth, arrived_at(request)
        if not isinstance(token, AuthToken):
            sign_out(request._request, now)
            return Response(status=204)
        with transaction.atomic():
            AuthToken.objects.filter(pk=token.pk).delete()
            close_sockets(_me(request).pk, token.pk, now)
        return Response(status=204)


class LogoutAllView(APIView):
    """End every token and session of the caller."""

    @extend_schema(request=None, responses={204: None})
    def post(self, request: Request) -> Response:
        user: Any = request.user
        with transaction.atomic():
            AuthToken.objects.filter(user=user).delete()
            User.objects.filter(pk=user.pk).update(session_epoch=user.session_epoch + 1)
            close_sockets(user.pk, None, arrived_at(request))
        return Response(status=204)


class CalendarKeyView(APIView):
    """The key to the caller's calendar feed."""

    @extend_schema(request=None, responses={201: CalendarKeySchema})
    def post(self, request: Request) -> Response:
        """Make a new key, shown this once; the one before opens nothing any more."""
        key = calendar_keys.renew(_me(request), arrived_at(request))
        url = request.build_absolute_uri(f"{reverse('calendar')}?{urlencode({'key': key})}")
        return Response({"key": key, "url": url}, status=201)

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request) -> Response:
        """Revoke the key, if there is one."""
        calendar_keys.revoke(_me(request))
        return Response(status=204)


class MeView(APIView):
    """The caller's own account."""

    @extend_schema(responses=MeSerializer)
    def get(self, request: Request) -> Response:
        return Response(MeSerializer(_me(request)).data)

    @extend_schema(request=MeSerializer, responses=MeSerializer)
    def patch(self, request: Request) -> Response:
        form = MeSerializer(_me(request), data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        changed = [name for name in form.validated_data if name in MeSerializer.Meta.fields]
        for name in changed:
            setattr(request.user, name, form.validated_data[name])
        User.objects.filter(pk=request.user.pk).update(**{name: form.validated_data[name] for name in changed})
        return Response(MeSerializer(_me(request)).data)
