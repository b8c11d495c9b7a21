"""``hookstation`` on a machine whose clock is wrong: ``python -m tests.support.shifted_clock SECONDS serve ...``.

The time of day is shifted for everything in the process that asks Python for it; durations are not.
"""

from __future__ import annotations

import sys
import time

from hookstation.wiring import main


def shift(seconds: int) -> None:
    """Let the time of day be `seconds` later than it is."""
    true_time, true_time_ns = time.time, time.time_ns
    time.time = lambda: true_time() + seconds
    time.time_ns = lambda: true_time_ns() + seconds * 1_000_000_000


if __name__ == "__main__":
    shift(int(sys.argv.pop(1)))
    main()
