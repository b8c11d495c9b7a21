"""``hookstation`` as a user to whom the rights of files apply: where that is root, its power over them is dropped.

Root in a process of another number could not read the interpreter everywhere that tests run.
"""

from __future__ import annotations

import ctypes
import os
from typing import Final

from hookstation.wiring import main

VERSION: Final = 0x20080522
POWERS: Final = 1 << 1 | 1 << 2 | 1 << 3
"""CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH and CAP_FOWNER of capabilities(7)."""


def drop_powers() -> None:
    """Take the powers out of the effective set of this thread, and so of all that it starts."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(VERSION, 0)
    sets = (ctypes.c_uint32 * 6)()
    if libc.capget(header, sets) == 0:
        sets[0] &= ~POWERS
        if libc.capset(header, sets) == 0:
            return
    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


if __name__ == "__main__":
    if os.geteuid() == 0:
        drop_powers()
    main()
