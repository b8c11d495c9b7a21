"""The condition language: whether a payload is meant, as a small total language with limits.

`compile_condition` makes a `Condition`; its `holds` takes any JSON and never raises.
"""

from hookstation.core.condition.compiled import Condition, compile_condition
from hookstation.core.condition.parsing import (
    DEEPEST,
    FUNCTIONS,
    LONGEST,
    MOST_OPTIONS,
    MOST_SEARCHES,
    MOST_TERMS,
)
from hookstation.core.condition.terms import (
    AllOf,
    Among,
    AnyOf,
    Compare,
    Exists,
    Not,
    Operand,
    Operator,
    Property,
    Search,
    Term,
    Where,
    text_of_term,
)
from hookstation.core.condition.truth import LONGEST_PART, MOST_ELEMENTS
from hookstation.core.condition.words import describe

__all__ = [
    "DEEPEST",
    "FUNCTIONS",
    "LONGEST",
    "LONGEST_PART",
    "MOST_ELEMENTS",
    "MOST_OPTIONS",
    "MOST_SEARCHES",
    "MOST_TERMS",
    "AllOf",
    "Among",
    "AnyOf",
    "Compare",
    "Condition",
    "Exists",
    "Not",
    "Operand",
    "Operator",
    "Property",
    "Search",
    "Term",
    "Where",
    "compile_condition",
    "describe",
    "text_of_term",
]
