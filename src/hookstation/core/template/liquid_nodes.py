"""Our own nodes of a Liquid tree: outputs in the contract's words, ``$$property$$``, bounded loops, counting."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TextIO

from liquid import Node, RenderContext, Token, TokenStream
from liquid.ast import Node as LiquidNode
from liquid.builtin.expressions import LoopExpression
from liquid.builtin.output import Output, OutputNode
from liquid.builtin.tags.for_tag import ForNode, ForTag
from liquid.tag import Tag

from hookstation.core.template.liquid_context import MOST_TURNS, Context, LimitPassed
from hookstation.core.template.liquid_values import liquid_text, weight_of
from hookstation.core.template.paths import Path
from hookstation.core.template.scope import NONE_DECLARED, reader, text_of

PROPERTY_TAG: Final = "$$"
"""The tag under which ``$$property$$`` stands in a tree; no person can write it, a tag's name is made of letters."""


class Figures(OutputNode):
    """``{{ expression }}``, written by the contract's rules and not by Python's."""

    __slots__ = ()

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        """Write the value as text."""
        value = self.expression.evaluate(context)
        spend(context, weight_of(value))
        return buffer.write(liquid_text(value))


class OutputTag(Output):
    """Makes `Figures`."""

    node_class = Figures


class PropertyToken(Token):
    """Carries a path that was read already, and the facts that the payload may be."""

    path: Path = ()
    declared: frozenset[str] = NONE_DECLARED


class PropertyNode(LiquidNode):
    """``$$property$$`` inside Liquid: an output of what the payload has there, whatever the template has assigned."""

    __slots__ = ("path", "read")

    def __init__(self, token: PropertyToken) -> None:
        super().__init__(token)
        self.path, self.read, self.blank = token.path, reader(token.path, declared=token.declared), False

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        """Write the value as text."""
        assert isinstance(context, Context)
        written = text_of(self.read(context.event))
        context.spend(1 + weight_of(written))
        return buffer.write(written)


class PropertyTag(Tag):
    """Makes `PropertyNode`."""

    name = PROPERTY_TAG
    block = False

    def parse(self, stream: TokenStream) -> Node:
        """The node of the token that carries the path."""
        token = stream.current
        assert isinstance(token, PropertyToken)
        return PropertyNode(token)


class Loop(LoopExpression):
    """A loop that looks at its length before it makes a list of anything."""

    __slots__ = ()

    def _to_iter(self, obj: object, context: RenderContext) -> tuple[Iterator[object], int]:
        if isinstance(obj, range) and obj.stop - obj.start > MOST_TURNS:
            raise LimitPassed(f"a loop over a range may make at most {MOST_TURNS:,} turns")
        return super()._to_iter(obj, context)


class LoopTag(ForTag):
    """``{% for %}`` over `Loop`."""

    def parse(self, stream: TokenStream) -> Node:
        """The library's node with our expression."""
        node = super().parse(stream)
        if isinstance(node, ForNode):
            theirs = node.expression
            node.expression = Loop(
                theirs.token,
                theirs.identifier,
                theirs.iterable,
                limit=theirs.limit,
                offset=theirs.offset,
                reversed_=theirs.reversed,
                cols=None,
            )
        return node


class Tick(LiquidNode):
    """Counts the steps of its block each time that it is rendered."""

    __slots__ = ("steps",)

    def __init__(self, token: Token, steps: int) -> None:
        super().__init__(token)
        self.steps = 1 + steps

    def render_to_output(self, context: RenderContext, _buffer: TextIO) -> int:
        """Count, write nothing."""
        spend(context, self.steps)
        return 0


class Turn(LiquidNode):
    """Counts the turns of its loop."""

    __slots__ = ()

    def render_to_output(self, context: RenderContext, _buffer: TextIO) -> int:
        """Count, write nothing."""
        assert isinstance(context, Context)
        context.turn()
        return 0


def spend(context: RenderContext, steps: int) -> None:
    """Count steps of a rendering."""
    assert isinstance(context, Context)
    context.spend(steps)
