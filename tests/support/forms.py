"""Forms as a browser without scripts reads and sends them."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

CHECKED = ("checkbox", "radio")
Attributes = dict[str, str | None]


@dataclass
class PageForm:
    """A form: where it goes, and what it sends as it stands, each field with its values."""

    action: str = ""
    label: str = ""
    fields: dict[str, list[str]] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)

    def filled(self, **changes: str | list[str]) -> dict[str, str | list[str]]:
        """What is sent after these fields were filled in; ``__`` in a name stands for a dot.

        Who fills in a field that the form does not have has made a mistake.
        """
        wanted = {name.replace("__", "."): value for name, value in changes.items()}
        assert wanted.keys() <= self.names, wanted.keys() - self.names
        return {**self.fields, **wanted}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[PageForm] = []
        self._open: PageForm | None = None
        self._area = self._select = ""
        self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given: Attributes = dict(attrs)
        if tag == "form":
            self._open = PageForm(given.get("action") or "", given.get("aria-label") or "")
            self.forms.append(self._open)
        elif self._open is not None:
            self._control(self._open, tag, given)

    def _control(self, form: PageForm, tag: str, given: Attributes) -> None:
        name = given.get("name") or ""
        form.names |= {name} if name else set()
        if tag == "textarea":
            self._area, self._text = name, ""
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select:
            self._option(form, given)
        elif tag == "input" and name and (given.get("type") not in CHECKED or "checked" in given):
            form.fields.setdefault(name, []).append(given.get("value") or "")

    def _option(self, form: PageForm, given: Attributes) -> None:
        """The first one stands until one is marked; without a value its text is it."""
        if "value" in given and ("selected" in given or self._select not in form.fields):
            form.fields[self._select] = [given["value"] or ""]
        elif "value" not in given and ("selected" in given or self._select not in form.fields):
            form.fields[self._select] = [""]
            self._area, self._text = f"{self._select} ", ""

    def handle_data(self, data: str) -> None:
        self._text += data

    def handle_endtag(self, tag: str) -> None:
        if self._area and self._open is not None and tag in ("textarea", "option"):
            self._open.fields[self._area.strip()] = [self._text.removeprefix("\n")]
            self._area = ""
        if tag == "select":
            self._select = ""
        if tag == "form":
            self._open = None


def forms_of(html: str) -> list[PageForm]:
    """The forms of a page; `html` as it came, not unescaped."""
    reader = _Reader()
    reader.feed(html)
    return reader.forms


def form_of(html: str, label: str = "", action: str = "") -> PageForm:
    """The form with this name, or that goes there."""
    return next(
        one for one in forms_of(html) if (not label or one.label == label) and one.action.endswith(action)
    )
