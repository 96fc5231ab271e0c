"""The Common Expression Language, as the API server evaluates it in `x-kubernetes-validations`.

The engine is cel-cpp, the reference implementation. Kubernetes adds functions to the language; those that the rules use
are here: `split` and its like come with the engine, `sum` is below.
https://kubernetes.io/docs/reference/using-api/cel/
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from cel_expr_python import cel
from cel_expr_python.ext import ext_strings

TRANSITION = "oldSelf"
"""A rule that names it compares with what was there before, and is not about an object alone."""


def all_hold(rules: Sequence[str], value: Any) -> bool:
    """Whether they are all true of `value`, which is handed over once: that takes longer than to evaluate a rule."""
    return holds(" && ".join(f"({rule})" for rule in rules), value)


def holds(rule: str, value: Any) -> bool:
    """Whether the rule is true of `value`. One that cannot be evaluated is not, as for the API server."""
    try:
        return _program(rule).eval(data={"self": value}).value() is True
    except RuntimeError:
        # A text that no UTF-8 can hold never reaches an API server.
        return False


@cache
def _environment() -> cel.Env:
    total = cel.Overload("list_sum", cel.Type.INT, [cel.Type.LIST], is_member=True, impl=sum)
    return cel.NewEnv(
        variables={"self": cel.Type.DYN},
        extensions=[ext_strings.ExtStrings()],
        functions=[cel.FunctionDecl("sum", [total])],
    )


@cache
def _program(rule: str) -> cel.Expression:
    return _environment().compile(rule)
