import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from core.accounts.models import Institution, Role, User
from tests.support.cast import Cast


def test_a_superuser_is_an_admin_without_an_institution(db: None) -> None:
    made = User.objects.create_superuser("root", "root@clinic.example", "a long password")
    assert (made.role, made.institution) == (Role.ADMIN, None)


def test_everybody_else_belongs_to_an_institution(db: None) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create(username="nobody", role=Role.THERAPIST)


def test_an_unknown_role_is_refused_by_the_database(cast: Cast) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.filter(pk=cast.theo.pk).update(role="janitor")


def test_two_institutions_of_one_name_are_refused(cast: Cast) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Institution.objects.create(name=cast.clinic.name)


def test_an_unknown_zone_is_refused(db: None) -> None:
    with pytest.raises(ValidationError, match="IANA"):
        Institution(name="Mars", timezone="Mars/Olympus").full_clean()


def test_the_name_shown_is_the_full_name_else_the_user_name() -> None:
    assert User(username="theo", first_name="Theo", last_name="Tan").display_name == "Theo Tan"
    assert User(username="theo").display_name == "theo"


def test_passwords_are_hashed_with_argon2() -> None:
    user = User(username="theo")
    user.set_password("x")
    assert user.password.startswith("argon2")
