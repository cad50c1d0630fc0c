"""All rows, in their order."""

from typing import Final

from tests.benchmarks import (
    assigning,
    availability,
    booking,
    expiry,
    lag,
    listing,
    live,
    memory,
    missing,
    relaying,
    starting,
)
from tests.benchmarks.measuring import Row

ROWS: Final[tuple[Row, ...]] = (
    expiry.ROW,
    lag.SPREAD,
    lag.AT_ONCE,
    memory.ROW,
    assigning.ROW,
    availability.FREE_ROW,
    availability.PLACES_ROW,
    booking.ROW,
    missing.ROW,
    live.EACH,
    live.EVERYBODY,
    listing.ROW,
    relaying.ROW,
    starting.ROW,
)
