"""The mapping language: ``$$property$$`` and Liquid, a total language with limits.

`compile_template` makes a `Template`; its `evaluate` takes a `Scope`.
"""

from hookstation.core.template.calls import rewrite
from hookstation.core.template.compiled import Template, TemplateKind, check_length, compile_template
from hookstation.core.template.names import Name
from hookstation.core.template.paths import ANY, Path, path_text
from hookstation.core.template.scope import ALWAYS_HIDDEN, FACTS, MISSING, MOST_OUTPUT, Missing, Scope, Value

__all__ = [
    "ALWAYS_HIDDEN",
    "ANY",
    "FACTS",
    "MISSING",
    "MOST_OUTPUT",
    "Missing",
    "Name",
    "Path",
    "Scope",
    "Template",
    "TemplateKind",
    "Value",
    "check_length",
    "compile_template",
    "path_text",
    "rewrite",
]
