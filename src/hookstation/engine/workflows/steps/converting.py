"""Rows written as text, and text read as rows."""

from __future__ import annotations

from hookstation.core.formats import FormatType, from_text, read_layout, to_text
from hookstation.core.jsontext import dump_json
from hookstation.core.values import JSON
from hookstation.engine.workflows.steps.reading import MOST_ROWS, mapping, rows, text
from hookstation.engine.workflows.tasks import Done, Task, Way
from hookstation.errors import BodyRefused, Invalid, Terminal


class Convert:
    """``convert``: `data` written as `to`, or `text` read as `from` and, where that is not JSON, written as `to`."""

    def begin(self, task: Task) -> Way:
        """Text, or, to JSON, rows as values."""
        settings = task.settings
        options = mapping(settings, "options")
        try:
            given = self._rows(task, options)
            target = text(settings, "to", "json")
            if target == FormatType.JSON:
                return Done(given)
            if not isinstance(given, list):
                given = [given]
            layout = read_layout(target, options)
            return Done(to_text(rows({"data": given}, "data"), layout))
        except Invalid as invalid:
            raise Terminal(f"The options of the format cannot be used: {invalid.message}") from invalid

    def _rows(self, task: Task, options: dict[str, JSON]) -> JSON:
        settings = task.settings
        if settings.get("data") is not None:
            return settings["data"]
        written = settings.get("text")
        if not isinstance(written, str):
            written = "" if written is None else dump_json(written)
        try:
            found = from_text(written, read_layout(text(settings, "from", "json"), options))
        except BodyRefused as refused:
            raise Terminal(f"“text” cannot be read: {refused.reason}") from refused
        if len(found) > MOST_ROWS:
            raise Terminal(f"“text” has more than {MOST_ROWS} rows; use a transfer for it.")
        return list(found)
