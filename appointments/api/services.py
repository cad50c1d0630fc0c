"""Services: what an institution offers."""

from decimal import Decimal
from typing import Any

from django.db.models import QuerySet
from rest_framework import mixins, serializers
from rest_framework.request import Request
from rest_framework.viewsets import GenericViewSet

from appointments.api.access import require_staff, user_of
from appointments.api.breaker import institution_of
from appointments.api.inputs import LARGEST_ID
from appointments.models import Service
from core.accounts.models import Role
from core.web.idempotency import Idempotent


class ServiceSerializer(serializers.ModelSerializer[Service]):
    """`institution` is the caller's own; admins name it when they create one."""

    duration_minutes = serializers.IntegerField(min_value=1, max_value=24 * 60, default=30)
    fee = serializers.DecimalField(max_digits=10, decimal_places=2, min_value=Decimal(0), default=Decimal(0))
    institution = serializers.IntegerField(source="institution_id", required=False, min_value=1, max_value=LARGEST_ID)

    class Meta:
        model = Service
        fields = ("id", "name", "duration_minutes", "fee", "is_active", "institution")
        validators: tuple[Any, ...] = ()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        actor = user_of(self.context["request"])
        attrs.pop("institution_id", None)
        if self.instance is None:
            attrs["institution_id"] = institution_of(actor, self.initial_data.get("institution"))
        institution_id = attrs.get("institution_id") or getattr(self.instance, "institution_id", None)
        twins = Service.objects.filter(institution_id=institution_id, name=attrs.get("name", ""))
        if twins.exclude(pk=getattr(self.instance, "pk", None)).exists():
            raise serializers.ValidationError({"name": "A service of this name exists."}, code="unique")
        return attrs


class ServiceViewSet(
    Idempotent,
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.CreateModelMixin,
    mixins.UpdateModelMixin,
    GenericViewSet[Service],
):
    """Everybody reads, operators write; a service that is no longer offered is made inactive."""

    queryset = Service.objects.none()
    serializer_class = ServiceSerializer
    lookup_value_regex = r"[0-9]{1,18}"
    http_method_names = ("get", "post", "patch", "head", "options")
    filter_backends = ()

    def get_queryset(self) -> QuerySet[Service]:
        if getattr(self, "swagger_fake_view", False):
            return Service.objects.none()
        user = user_of(self.request)
        rows = Service.objects.order_by("name", "id")
        if user.role != Role.ADMIN:
            rows = rows.filter(institution_id=user.institution_id)
        return rows if user.role in {Role.OPERATOR, Role.ADMIN} else rows.filter(is_active=True)

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        require_staff(request)
        return super().create(request, *args, **kwargs)

    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        self.get_object()
        require_staff(request)
        return super().partial_update(request, *args, **kwargs)
