"""All rows, in their order."""

from typing import Final

from tests.benchmarks import assigning, expiry, lag, memory
from tests.benchmarks.measuring import Row

ROWS: Final[tuple[Row, ...]] = (expiry.ROW, lag.SPREAD, lag.AT_ONCE, memory.ROW, assigning.ROW)
