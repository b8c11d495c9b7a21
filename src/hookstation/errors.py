"""Every error that Hookstation raises, on one screen.

HookstationError
├── Invalid                    configuration or a request for control that cannot stand; carries `problems`
├── NotFound                   the named thing is not there
├── Conflict                   the thing is there, but its state forbids what was asked
├── AuthenticationFailed       the call is not from who it must be from; the reason is for the journal only
├── TryLater                   too much is asked for at once, or too often; carries `seconds`
├── BodyRefused                a received body is not what may be read (carries status, rule, path)
├── MappingFailed              a template or a coercion failed for one payload (names the field)
├── ActionFailed               the target did not do it; the subclass is the instruction to the runtime
│   ├── Retriable              nothing was executed: the same call may be sent again
│   │   └── Busy               the target is there, but wants to be asked later (carries `seconds`)
│   ├── Terminal               the target said no: sending it again changes nothing
│   ├── NeedsAuth              the target refuses our credentials: hold, tell a person
│   └── UnknownOutcome         the call may have been executed: look it up, never repeat blindly
├── AddressRefused             the address guard forbids the target
├── StoreError
│   ├── StoreUnavailable       cannot commit now (locked, full, read-only, gone); nothing was written
│   ├── NewerDatabase          the database was written by a newer program
│   └── FolderInUse            another process holds the data folder
└── SecretError                a sealed value cannot be opened with this master key

A class's docstring is its default message; constructors take fields.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class HookstationError(Exception):
    """Something went wrong in Hookstation."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or (self.__doc__ or "").strip().splitlines()[0])

    @property
    def message(self) -> str:
        """The sentence for a person."""
        return str(self.args[0])


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a configuration document, and where.

    `path` is the place as keys and positions from the root (``("webhooks", 0, "schema")``);
    `message` says what is wrong, what is allowed and what to do;
    `severity` is ``"error"`` (nothing is applied) or ``"warning"``;
    `position` is the offset in characters inside the text at `path`, where there is one.
    """

    path: tuple[str | int, ...]
    message: str
    severity: str = "error"
    position: int | None = None

    def under(self, *prefix: str | int) -> Problem:
        """The same problem seen from a document that holds this one at `prefix`."""
        return Problem((*prefix, *self.path), self.message, self.severity, self.position)

    @property
    def pointer(self) -> str:
        """`path` as a JSON pointer."""
        return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in self.path)

    def __str__(self) -> str:
        where = ".".join(str(part) for part in self.path)
        return f"{where}: {self.message}" if where else self.message


class Invalid(HookstationError):
    """The configuration has problems."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(str(problem) for problem in self.problems))


class NotFound(HookstationError):
    """There is nothing of that name."""

    def __init__(self, kind: str, name: str) -> None:
        self.kind, self.name = kind, name
        super().__init__(f"There is no {kind} “{name}”.")


class Conflict(HookstationError):
    """The state of the thing forbids what was asked."""


class AuthenticationFailed(HookstationError):
    """The call is not from who it must be from.

    `reason` is for the journal only: the sender is told no more than 401.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class TryLater(HookstationError):
    """Too many tries. `seconds`, at least 1: how long to wait before the next one is looked at."""

    def __init__(self, seconds: int, message: str = "") -> None:
        self.seconds = max(seconds, 1)
        super().__init__(message or f"Too many tries: wait {self.seconds} s, then try again.")


class BodyRefused(HookstationError):
    """The body cannot be read."""

    def __init__(self, reason: str, *, status: int = 400, rule: str = "json", path: str = "") -> None:
        self.reason, self.status, self.rule, self.path = reason, status, rule, path
        super().__init__(reason)


class MappingFailed(HookstationError):
    """A field could not be filled from this payload."""

    def __init__(self, field: str, reason: str) -> None:
        self.field, self.reason = field, reason
        super().__init__(f"{field}: {reason}")


class ActionFailed(HookstationError):
    """The target did not execute the action.

    `message` is safe to pass to the sender: no secret, no address, no stack.
    `detail` is for the journal and the log only.
    `answer`: a `ports.api.ApiAnswer` that said so, for steps that go on with it.
    """

    answer: object = None

    def __init__(self, message: str = "", *, detail: str = "") -> None:
        super().__init__(message)
        self.detail = detail


class Retriable(ActionFailed):
    """The target is not available; nothing was executed."""


class Busy(Retriable):
    """The target is busy; nothing was executed.

    `seconds`: how long it asked us to wait, 0 where it did not say.
    """

    def __init__(self, message: str = "", *, detail: str = "", seconds: float = 0.0) -> None:
        super().__init__(message, detail=detail)
        self.seconds = seconds


class Terminal(ActionFailed):
    """The target refused the action."""


class NeedsAuth(ActionFailed):
    """The target refuses our credentials."""


class UnknownOutcome(ActionFailed):
    """The call was sent, but its outcome is not known."""


class AddressRefused(HookstationError):
    """The address guard refuses this target."""


class StoreError(HookstationError):
    """The database failed."""


class StoreUnavailable(StoreError):
    """The database cannot commit at the moment; nothing was written."""


class NewerDatabase(StoreError):
    """The database was written by a newer version of Hookstation; install that version or restore a backup."""


class FolderInUse(StoreError):
    """Another process holds this data folder."""


class SecretError(HookstationError):
    """A sealed value cannot be opened with this master key."""
