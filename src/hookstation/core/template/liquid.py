"""Liquid templates, by python-liquid: its parser and control flow, our lexer, filters, values and limits.

No loader, no partials, no clock: of its tags only those in `TAGS` are there, of its filters none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from liquid import BoundTemplate, Environment, Token, TokenStream
from liquid.builtin.content import Literal
from liquid.builtin.illegal import Illegal
from liquid.builtin.tags.assign_tag import AssignTag
from liquid.builtin.tags.capture_tag import CaptureTag
from liquid.builtin.tags.case_tag import CaseTag
from liquid.builtin.tags.for_tag import BreakTag, ContinueTag
from liquid.builtin.tags.if_tag import IfTag
from liquid.builtin.tags.unless_tag import UnlessTag
from liquid.exceptions import (
    BlockNestingError,
    ContextDepthError,
    LiquidError,
    LiquidInterrupt,
    OutputStreamLimitError,
)
from liquid.output import LimitedStringIO
from liquid.parser import get_parser
from liquid.token import TOKEN_CONTENT, TOKEN_EXPRESSION, TOKEN_OUTPUT, TOKEN_TAG

from hookstation.core.nearest import did_you_mean
from hookstation.core.template.calls import with_paths
from hookstation.core.template.filters import FILTERS
from hookstation.core.template.filters.common import FilterFailed
from hookstation.core.template.lexing import Kind, Piece, mistake
from hookstation.core.template.liquid_context import Context, LimitPassed
from hookstation.core.template.liquid_names import survey
from hookstation.core.template.liquid_nodes import (
    PROPERTY_TAG,
    LoopTag,
    OutputTag,
    PropertyTag,
    PropertyToken,
)
from hookstation.core.template.names import Name
from hookstation.core.template.scope import MOST_OUTPUT, Scope
from hookstation.errors import Invalid, MappingFailed

DEEPEST: Final = 32
"""Most blocks, and most brackets, inside one another."""

TAGS: Final = (AssignTag, BreakTag, CaptureTag, CaseTag, ContinueTag, IfTag, LoopTag, UnlessTag)
INNER_TAGS: Final = frozenset({"else", "elsif", "when"})
_FIRST_ELEMENT: Final = re.compile(r"^\d{1,6}(?=\.[^\W\d])", re.ASCII)

WRITABLE: Final = frozenset(tag.name for tag in TAGS)


class Station(Environment):
    """Liquid as this station speaks it."""

    block_nesting_limit = DEEPEST
    context_depth_limit = DEEPEST + 8
    output_stream_limit = MOST_OUTPUT
    shorthand_indexes = True

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:  # noqa: ARG002 - the library's signature
        """Only what is listed here."""
        for tag in (Literal, Illegal, OutputTag, PropertyTag, *TAGS):
            self.add_tag(tag)
        self.filters.update(FILTERS)


_STATION: Final = Station()


def compile_liquid(
    source: str, pieces: list[Piece], declared: frozenset[str]
) -> tuple[Callable[[Scope], str], tuple[Name, ...]]:
    """A function that renders the template, and the names that it reads. Raises `Invalid` with every problem.

    `declared`: as in `compile_template`.
    """
    tokens = [token for piece in pieces for token in _tokens(piece, source, declared)]
    stream = TokenStream(iter(tokens))
    try:
        nodes = get_parser(_STATION).parse(stream)
        template = BoundTemplate(_STATION, nodes)
        found = survey(template)
    except BlockNestingError as deep:
        raise mistake(
            f"At most {DEEPEST} blocks may stand inside one another.", _position(deep, stream, source)
        ) from deep
    except LiquidError as wrong:
        raise mistake(f"This is not Liquid: {wrong.message}.", _position(wrong, stream, source)) from wrong
    except RecursionError as deep:
        raise mistake("An expression is nested too deeply.", 0) from deep
    if found.problems:
        raise Invalid(found.problems)
    return _renderer(template, declared), tuple(found.names)


def _position(error: LiquidError, stream: TokenStream, source: str) -> int:
    """Where it went wrong; the library gives no place for what is missing at an end."""
    if error.token is not None and error.token.start_index >= 0:
        return error.token.start_index
    return stream.current.start_index if stream.pos < len(stream.tokens) else len(source)


def _tokens(piece: Piece, source: str, declared: frozenset[str]) -> Iterator[Token]:
    if piece.kind is Kind.TEXT:
        yield Token(TOKEN_CONTENT, piece.text, piece.position, source)
    elif piece.kind is Kind.PROPERTY:
        token = PropertyToken(TOKEN_TAG, PROPERTY_TAG, piece.position, source)
        token.path, token.declared = piece.path, declared
        yield token
    else:
        expression = _expression(piece)
        if piece.kind is Kind.OUTPUT:
            yield Token(TOKEN_OUTPUT, expression, piece.position, source)
        else:
            _check_tag(piece)
            yield Token(TOKEN_TAG, piece.name, piece.named_at, source)
        if expression:
            yield Token(TOKEN_EXPRESSION, expression, piece.position, source)


def _check_tag(piece: Piece) -> None:
    name = piece.name
    if name not in WRITABLE | INNER_TAGS and name.removeprefix("end") not in WRITABLE:
        known = sorted(WRITABLE | INNER_TAGS | {"raw", "comment"})
        meant = did_you_mean(name, known) or f" There are {', '.join(known)}."
        raise mistake(f"There is no tag “{name}”.{meant}", piece.named_at)


def _expression(piece: Piece) -> str:
    if piece.text.count("[") > DEEPEST or piece.text.count("(") > DEEPEST:
        raise mistake(f"At most {DEEPEST} brackets may stand in one expression.", piece.position)
    # Liquid takes ``0.x`` for a number; in brackets it is an element of a payload that is an array.
    return with_paths(_FIRST_ELEMENT.sub(r'["\g<0>"]', piece.text), piece.position)


def _renderer(template: BoundTemplate, declared: frozenset[str]) -> Callable[[Scope], str]:
    nodes = template.nodes

    def render(scope: Scope) -> str:
        context = Context(template, scope, declared)
        buffer = LimitedStringIO(MOST_OUTPUT, newline="")
        try:
            context.spend(len(nodes))
            for node in nodes:
                node.render(context, buffer)
        except (FilterFailed, LimitPassed) as failed:
            raise _failed(f"{failed}") from failed
        except OutputStreamLimitError as failed:
            raise _failed(TOO_LONG) from failed
        except ContextDepthError as failed:
            raise _failed(f"blocks are nested more than {DEEPEST} deep") from failed
        except LiquidError as failed:
            raise _failed(_CLASSES.sub(_kind, str(failed.message))) from failed
        except (
            LiquidInterrupt,
            ArithmeticError,
            ValueError,
            TypeError,
            LookupError,
            RecursionError,
        ) as failed:
            # What the library lets through for values that it does not expect, such as a negative limit of a loop.
            raise _failed("the template does not work with this payload") from failed
        return buffer.getvalue()

    return render


TOO_LONG: Final = f"the result is longer than {MOST_OUTPUT:,} bytes ({MOST_OUTPUT // 1024} KiB)"


_CLASSES: Final = re.compile(
    r"'(str|int|bool|list|dict|tuple|range|NoneType|Digits|Items|Members|Headers|Undefined)'"
)
_KINDS: Final = {
    "str": "text", "int": "integer", "bool": "boolean", "list": "array", "dict": "object", "tuple": "array",
    "range": "range", "NoneType": "null", "Digits": "number", "Items": "array", "Members": "object",
    "Headers": "object", "Undefined": "nothing",
}  # fmt: skip


def _kind(found: re.Match[str]) -> str:
    """Python's name of a class in the library's sentence, as the word that people use."""
    return _KINDS[found[1]]


def _failed(reason: str) -> MappingFailed:
    return MappingFailed("template", f"{reason}.")
