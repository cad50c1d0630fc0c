import json
import re
from typing import Any, Final
from zoneinfo import available_timezones

from rest_framework import serializers

from core.accounts.me import contributed_fields
from core.accounts.models import Language, User
from core.accounts.preferences import mistakes_in
from core.web.fields import InstantField

LONGEST_PREFERENCES: Final = 10_000
# Checked on writing only: what an admin or an import has stored is read as it is.
PHONE: Final = re.compile(r"[0-9+()\-./ ]*")


class LoginInput(serializers.Serializer[Any]):
    username = serializers.CharField(max_length=150)
    password = serializers.CharField(max_length=256, trim_whitespace=False)


class MeSerializer(serializers.ModelSerializer[User]):
    """The caller's own account; contributed fields such as `unread_notifications` come with it."""

    timezone = serializers.CharField(max_length=50, allow_blank=True)
    language = serializers.ChoiceField(choices=Language.choices)
    phone = serializers.CharField(max_length=30, allow_blank=True)
    away_until = InstantField(allow_null=True)
    preferences = serializers.DictField()
    unread_notifications = serializers.IntegerField(read_only=True, default=0)

    class Meta:
        model = User
        fields = (
            *("id", "username", "first_name", "last_name", "email", "phone", "role", "institution", "timezone"),
            *("language", "is_active", "taking_appointments", "away_until", "unread_notifications", "preferences"),
        )
        read_only_fields = (
            *("id", "username", "first_name", "last_name", "email", "role", "institution", "is_active"),
        )

    def validate_phone(self, value: str) -> str:
        if not PHONE.fullmatch(value):
            raise serializers.ValidationError("Only digits, spaces and + ( ) - . / belong into a phone number.")
        return value

    def validate_timezone(self, value: str) -> str:
        if value and value not in available_timezones():
            raise serializers.ValidationError("Not an IANA time zone name, such as Europe/Berlin.")
        return value

    def validate_preferences(self, value: dict[str, Any]) -> dict[str, Any]:
        if len(json.dumps(value)) > LONGEST_PREFERENCES:
            raise serializers.ValidationError(f"At most {LONGEST_PREFERENCES} characters.", code="max_length")
        if mistakes := mistakes_in(value):
            raise serializers.ValidationError(mistakes)
        return value

    def to_representation(self, instance: User) -> dict[str, Any]:
        return {**super().to_representation(instance), **contributed_fields(instance)}


class CalendarKeySchema(serializers.Serializer[Any]):
    key = serializers.CharField(help_text="Shown this once.")
    url = serializers.URLField(help_text="The feed's address, for a calendar program.")


class TokenSchema(serializers.Serializer[Any]):
    token = serializers.CharField()
    expiry = serializers.DateTimeField()
    user = MeSerializer()
