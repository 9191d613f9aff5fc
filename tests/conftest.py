"""Hypothesis profiles: `default` explores anew each time; `ci` draws the same examples every time."""

import os

from hypothesis import settings

# No deadline in either: the first example of a test pays for imports, and shared machines stall.
settings.register_profile("default", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")
