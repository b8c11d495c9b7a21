"""The short-lived process in which a person's schema is compiled for the first time.

Run as a script: it imports the schema room and nothing else of the program.  In: one schema a line, as
JSON. Out: one line a schema, ``[[path, message], ...]``, empty where it compiles.  A schema that breaks
the limits takes the process with it, so the first schema without a line is the guilty one.
"""

from __future__ import annotations

import sys
from pathlib import Path

CPU_SECONDS = 2.0
MEMORY = 128 * 1024 * 1024
OUT_OF_MEMORY = 75
"""The exit status where Python itself ran out of memory; the library's code is ended by a signal instead."""


def bound_memory() -> None:
    """Let allocations over `MEMORY` fail, and leave no core file; only where the platform can."""
    try:
        import resource
    except ImportError:  # Windows: the parent's time limit alone has to do
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Private writable memory; the whole address space would count the mapped libraries too.
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))


def bound_time() -> None:
    """Start the clock of one schema anew: after `CPU_SECONDS` of work the system ends this process."""
    import signal

    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)


def main() -> None:
    """Answer line by line until the input ends."""
    bound_memory()
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    from hookstation.core.jsontext import dump_json
    from hookstation.core.schema import compile_schema, parse_schema_text
    from hookstation.errors import Invalid

    for line in sys.stdin.buffer:
        bound_time()
        said: list[tuple[list[str | int], str]] = []
        try:
            compile_schema(parse_schema_text(line.decode()))
        except Invalid as invalid:
            said = [(list(problem.path), problem.message) for problem in invalid.problems]
        except MemoryError:
            sys.exit(OUT_OF_MEMORY)
        sys.stdout.write(dump_json([[list(path), message] for path, message in said]) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
