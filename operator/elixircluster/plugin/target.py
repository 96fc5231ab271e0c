"""kubectl's own options, before and after the command's name, and the `Kubectl` that they mean."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from typing import Any, TypeVar

import click

from elixircluster.plugin.kubectl import Kubectl

SAID = "elixircluster.plugin.target"

F = TypeVar("F", bound=Callable[..., Any])


def _remember(context: click.Context, option: click.Parameter, value: str | None) -> None:
    if value is not None:
        context.meta.setdefault(SAID, {})[option.name] = value


OPTIONS = (
    click.option("-n", "--namespace", expose_value=False, callback=_remember, help="As in kubectl."),
    click.option("--context", expose_value=False, callback=_remember, help="As in kubectl."),
    click.option("--kubeconfig", expose_value=False, callback=_remember, help="As in kubectl."),
)


def target_options(function: F) -> F:
    """The options for where, on a command or on a group of them. What stands last counts."""
    for option in reversed(OPTIONS):
        function = option(function)
    return function


def target(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options for where, and the `Kubectl` that they mean as the first argument."""

    def call(*arguments: Any, **options: Any) -> Any:
        said = click.get_current_context().meta.get(SAID, {})
        return function(Kubectl(**said), *arguments, **options)

    return target_options(update_wrapper(call, function))
