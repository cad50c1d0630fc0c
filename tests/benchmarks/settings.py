"""The project's settings with the benchmarks' endpoint beside the product's."""

from core.settings import *  # noqa: F403

ROOT_URLCONF = "tests.benchmarks.site"
