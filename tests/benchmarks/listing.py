"""P12: a page of a million appointments as the dashboards ask for it, beside a bare DRF list of as many rows."""

from datetime import timedelta
from functools import partial

from django.test import override_settings

from tests.benchmarks.measuring import Figure, Row, medians
from tests.benchmarks.population import fresh_statistics
from tests.benchmarks.requests import Requests
from tests.support.crowd import Crowd, make_crowd

APPOINTMENTS = "/api/scheduling/appointments/"
# Twenty rows of the operator's institution by their start, no rule, no count.
BARE = "/bare/list/"
PAGES = (20, 100)


def lists_of(crowd: Crowd) -> dict[str, tuple[str, str]]:
    """What the pages ask for, by who asks."""
    today, tomorrow = crowd.first_day - timedelta(days=1), crowd.first_day
    asked = {
        "operator, all": "?ordering=-start",
        "operator, open work": "?status=pending,rejected&ordering=response_deadline",
        "operator, one day": f"?ordering=-start&date_from={tomorrow}&date_to={tomorrow}",
        "operator, a status": "?ordering=-start&status=completed",
        "operator, one therapist": f"?ordering=-start&therapist={crowd.therapist}",
        "operator, unpaid": f"?ordering=-start&is_paid=false&date_to={today}",
        "operator, search": "?ordering=-start&search=773",
        "operator, today": "today/",
        "therapist, requests": "?filter=pending&ordering=response_deadline",
        "therapist, upcoming": "?tab=upcoming&ordering=start",
        "therapist, completed": "?tab=completed&ordering=-start",
        "patient, all": "?ordering=-start",
    }
    return {name: (name.partition(",")[0], APPOINTMENTS + query) for name, query in asked.items()}


def sized(path: str, size: int) -> str:
    """The same list in pages of so many rows."""
    return f"{path}{'&' if '?' in path else '?'}page_size={size}"


def readers(crowd: Crowd) -> dict[str, Requests]:
    """One of each role, signed in."""
    return {
        "operator": Requests(crowd.operator),
        "therapist": Requests(crowd.a_therapist()),
        "patient": Requests(crowd.a_patient()),
    }


@override_settings(ROOT_URLCONF="tests.benchmarks.site")
def run(quick: bool) -> list[Figure]:
    """Every list and the bare one in turns."""
    therapists = 100 if quick else 1_000
    crowd = make_crowd(therapists, therapists * 1_000)
    fresh_statistics()
    people = readers(crowd)
    lists = lists_of(crowd)
    assert len(people["operator"](BARE)) == PAGES[0]
    works = {name: partial(people[who], path) for name, (who, path) in lists.items()}
    taken = medians({"bare": partial(people["operator"], BARE), **works}, 31)
    bare = taken.pop("bare")
    figures = [
        Figure(f"{name}, p50", seconds / bare, 3, f"{seconds * 1000:.0f} ms; bare {bare * 1000:.0f}", at_least=False)
        for name, seconds in taken.items()
    ]
    asked = [(who, sized(path, size)) for who, path in lists.values() for size in PAGES]
    queries = max(people[who].queries_of(path) for who, path in asked)
    most = Figure("queries of a page, 20 and 100 rows", queries, 5, "the most of all these", at_least=False)
    return [*figures, most]


ROW = Row("P12", "20 rows of 1,000,000 appointments as the dashboards ask for them", run)
