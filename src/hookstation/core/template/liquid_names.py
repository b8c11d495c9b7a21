"""Which properties a Liquid template reads, and what in it is a mistake before anything is rendered."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from liquid import BoundTemplate, Node
from liquid.ast import BlockNode
from liquid.builtin.expressions import FilteredExpression, LoopExpression
from liquid.builtin.expressions import Path as LiquidPath
from liquid.builtin.expressions.primitive import FloatLiteral
from liquid.builtin.tags.assign_tag import AssignNode
from liquid.builtin.tags.for_tag import BreakNode, ContinueNode, ForNode
from liquid.expression import Expression

from hookstation.core.nearest import did_you_mean
from hookstation.core.template.filters import ARITY, FILTERS, KEYWORDS
from hookstation.core.template.liquid_context import Context
from hookstation.core.template.liquid_nodes import PropertyNode, Tick, Turn
from hookstation.core.template.liquid_values import Digits
from hookstation.core.template.names import Name
from hookstation.core.template.paths import ANY, Path, as_part
from hookstation.core.template.scope import Scope
from hookstation.core.values import PathPart
from hookstation.errors import Problem

_NOT_OURS: Final = None
"""A name that the template made itself, of which nothing is known."""


@dataclass(slots=True)
class Survey:
    """What one walk over a template's tree found, and made ready on its way."""

    names: list[Name] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    scopes: list[dict[str, Path | None]] = field(default_factory=lambda: [{}])
    loops: int = 0


def survey(template: BoundTemplate) -> Survey:
    """The names that `template` reads and its mistakes; number literals become exact, blocks count steps."""
    found = Survey()
    context = Context(template, Scope(None))
    for node in template.nodes:
        _visit(node, context, found)
    return found


def _visit(node: Node, context: Context, found: Survey) -> None:
    for expression in node.expressions():
        _inspect(expression, found)
    if isinstance(node, PropertyNode):
        found.names.append(Name(node.path, node.token.start_index))
    if isinstance(node, BreakNode | ContinueNode) and not found.loops:
        found.problems.append(_problem(f"“{node.token.value}” belongs inside a loop.", node))
    if isinstance(node, AssignNode):
        found.scopes[0][node.name] = _alias(node.expression, found)
    else:
        found.scopes[0].update(dict.fromkeys(node.template_scope(), _NOT_OURS))
    found.scopes.append(_block_names(node, found))
    found.loops += isinstance(node, ForNode)
    for child in list(node.children(context)):
        _visit(child, context, found)
    found.loops -= isinstance(node, ForNode)
    found.scopes.pop()
    if isinstance(node, BlockNode):
        node.nodes.insert(0, Tick(node.token, len(node.nodes)))
    if isinstance(node, ForNode):
        node.block.nodes.insert(0, Turn(node.token))


def _block_names(node: Node, found: Survey) -> dict[str, Path | None]:
    names: dict[str, Path | None] = dict.fromkeys(map(str, node.block_scope()), _NOT_OURS)
    if isinstance(node, ForNode):
        names[str(node.expression.identifier)] = _element(node.expression, found)
    return names


def _element(loop: LoopExpression, found: Survey) -> Path | None:
    array = _alias(loop.iterable, found)
    return None if array is None else (*array, ANY)


def _alias(expression: Expression, found: Survey) -> Path | None:
    """The payload path that an expression simply repeats, if it does."""
    if isinstance(expression, FilteredExpression) and not expression.filters:
        expression = expression.left
    return _resolve(expression, found) if isinstance(expression, LiquidPath) else None


def _resolve(path: LiquidPath, found: Survey) -> Path | None:
    parts = tuple(_part(part) for part in path.path)
    for scope in reversed(found.scopes):
        if parts[0] in scope:
            known = scope[str(parts[0])]
            return None if known is None else (*known, *parts[1:])
    return parts


def _part(part: str | int | LiquidPath) -> PathPart:
    if isinstance(part, LiquidPath):
        return ANY
    if isinstance(part, int):
        return max(part, ANY)
    return as_part(part)


def _inspect(expression: Expression, found: Survey) -> None:
    if isinstance(expression, LiquidPath) and (path := _resolve(expression, found)) is not None:
        found.names.append(Name(path, expression.token.start_index, liquid=True))
    if isinstance(expression, FloatLiteral):
        # The literal's token still has the digits that its float has lost.
        expression.value = Digits(expression.token.value.rstrip("."))  # type: ignore[assignment]
    if isinstance(expression, FilteredExpression):
        _check_filters(expression, found)
    for child in expression.children():
        _inspect(child, found)


def _check_filters(expression: FilteredExpression, found: Survey) -> None:
    for one in expression.filters or ():
        if one.name not in FILTERS:
            message = f"There is no filter “{one.name}”.{did_you_mean(one.name, FILTERS)}"
            found.problems.append(Problem((), message, position=one.token.start_index))
            continue
        least, most = ARITY[one.name]
        keywords = [str(argument.name) for argument in one.args if hasattr(argument, "name")]
        given = len(one.args) - len(keywords)
        if not least <= given <= most or not KEYWORDS.get(one.name, frozenset()).issuperset(keywords):
            message = f"The filter “{one.name}” takes {_takes(least, most)}, not {given}."
            found.problems.append(Problem((), message, position=one.token.start_index))


def _takes(least: int, most: int) -> str:
    if most == 0:
        return "no argument"
    counted = str(most) if least == most else f"{least} to {most}"
    return f"{counted} argument{'s' if most > 1 else ''}"


def _problem(message: str, node: Node) -> Problem:
    return Problem((), message, position=node.token.start_index)
