"""Finding appointments by words: the names of their people, their service, or their id."""

from collections import defaultdict
from typing import Any, Final

from django.db.models import Q, QuerySet, Value

from appointments.models import Service
from core.accounts.models import Role, User
from core.lookups import AnyOf

# More people than this are looked up row by row: an index is no help then.
MOST: Final = 2_000


def found_by(words: str, reader: User, whole: Q) -> Q:
    """Appointments in which every word is found; `whole` are those whose people the reader may know. One query."""
    asked = words.split()
    found = Q()
    for word, (people, services) in zip(asked, _named(asked, reader), strict=True):
        anywhere = whole & _of(people, word, reader) | Q(AnyOf("service_id", services))
        if word.isdecimal() and len(word) < 18:
            anywhere |= Q(pk=int(word))
        found &= anywhere
    return found


def _of(people: set[int], word: str, reader: User) -> Q:
    if len(people) > MOST:
        names = people_named(word, reader)
        return Q(patient_id__in=names) | Q(therapist_id__in=names)
    return Q(AnyOf("patient_id", people)) | Q(AnyOf("therapist_id", people))


def _named(words: list[str], reader: User) -> list[tuple[set[int], set[int]]]:
    """For each word the people and the services whose name has it."""
    # Ids, not a join: a condition on joined names would be tried on every appointment of the institution.
    parts: list[QuerySet[Any, Any]] = []
    for place, word in enumerate(words):
        parts.append(people_named(word, reader).values_list("pk", Value(place), Value("p")))
        parts.append(_services(word, reader).values_list("pk", Value(place), Value("s")))
    ids: dict[tuple[int, str], set[int]] = defaultdict(set)
    for pk, place, kind in parts[0].union(*parts[1:], all=True) if parts else ():
        ids[place, kind].add(pk)
    return [(ids[place, "p"], ids[place, "s"]) for place in range(len(words))]


def people_named(word: str, reader: User) -> QuerySet[User, int]:
    """The patients and therapists that `reader` may know of and whose name has the word."""
    names = Q(first_name__icontains=word) | Q(last_name__icontains=word) | Q(username__icontains=word)
    rows = User.objects.filter(names, role__in=(Role.PATIENT, Role.THERAPIST)).order_by()
    rows = rows if reader.role == Role.ADMIN else rows.filter(institution_id=reader.institution_id)
    return rows.values_list("pk", flat=True)


def _services(word: str, reader: User) -> QuerySet[Service]:
    rows = Service.objects.filter(name__icontains=word).order_by()
    return rows if reader.role == Role.ADMIN else rows.filter(institution_id=reader.institution_id)
