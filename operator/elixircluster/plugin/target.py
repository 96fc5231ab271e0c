"""kubectl's own options, before and after the command's name, and how a command line is read as kubectl reads one."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from functools import update_wrapper
from typing import Any, NamedTuple, TypeVar

import click

from elixircluster.plugin.kubectl import Kubectl

SAID = "elixircluster.plugin.target"
SHORT = re.compile(r"(-[A-Za-z])=(.*)", re.DOTALL)

F = TypeVar("F", bound=Callable[..., Any])


class GlobalOption(NamedTuple):
    """An option that kubectl takes with every command, and which is passed on to each kubectl that we call."""

    name: str
    short: str = ""
    several: bool = False
    switch: bool = False
    shown: bool = False
    """In --help; the others are known to those who use them, as with `kubectl options`."""


GLOBAL = (
    GlobalOption("namespace", "n", shown=True),
    GlobalOption("context", shown=True),
    GlobalOption("cluster", shown=True),
    GlobalOption("user", shown=True),
    GlobalOption("kubeconfig", shown=True),
    GlobalOption("as", shown=True),
    GlobalOption("as-group", several=True, shown=True),
    GlobalOption("as-uid"),
    GlobalOption("request-timeout", shown=True),
    GlobalOption("server", "s"),
    GlobalOption("tls-server-name"),
    GlobalOption("certificate-authority"),
    GlobalOption("client-certificate"),
    GlobalOption("client-key"),
    GlobalOption("insecure-skip-tls-verify", switch=True),
    GlobalOption("token"),
    GlobalOption("cache-dir"),
    GlobalOption("v", "v", shown=True),
)


def _remember(context: click.Context, option: click.Parameter, value: Any) -> None:
    if value:
        name = str(option.name).replace("_", "-")
        context.meta.setdefault(SAID, {})[name] = "true" if value is True else value


def _declared(row: GlobalOption) -> Callable[[F], F]:
    names = [*([f"-{row.short}"] if row.short else []), f"--{row.name}"]
    return click.option(
        *names,
        expose_value=False,
        callback=_remember,
        multiple=row.several,
        is_flag=row.switch,
        hidden=not row.shown,
        help="As in kubectl.",
    )


def target_options(function: F) -> F:
    """The options of kubectl itself, on a command or on a group of them. What stands last counts."""
    for row in reversed(GLOBAL):
        function = _declared(row)(function)
    return function


def said(context: click.Context) -> Kubectl:
    """The `Kubectl` that the options given so far mean."""
    return Kubectl(dict(context.meta.get(SAID, {})))


def target(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options of kubectl itself, and the `Kubectl` that they mean as the first argument."""

    def call(*arguments: Any, **options: Any) -> Any:
        return function(said(click.get_current_context()), *arguments, **options)

    return target_options(update_wrapper(call, function))


UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


class Duration(click.ParamType[float]):
    """A time as kubectl takes it: `90s`, `1h30m`, `0`; the value is in seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """In seconds; a number without a unit is some already."""
        if re.fullmatch(r"\d+(\.\d+)?", str(value)):
            return float(value)
        parts = re.findall(r"(\d+(?:\.\d+)?)(ms|h|m|s)", str(value))
        if not parts or "".join(number + unit for number, unit in parts) != value:
            self.fail(f"{value} is no time such as 90s, 5m or 1h30m", param, ctx)
        return sum(float(number) * UNITS[unit] for number, unit in parts)


output_option = click.option("-o", "--output", type=click.Choice(["json", "yaml"]), help="For programs: json or yaml.")


class WrongUsage(click.UsageError):
    """A command line that is not understood: what is wrong with it, and where to read on."""

    def show(self, file: Any = None) -> None:
        """In two lines, as kubectl does."""
        path = self.ctx.command_path if self.ctx else "kubectl elixir"
        lines = f"Error: {self.format_message()}\nSee '{path} --help' for usage."
        click.echo(lines, file=file or sys.stderr)


class PluginCommand(click.Command):
    """A command whose line is read as kubectl reads one: `-n=prod` is a namespace, and mistakes take two lines."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        """Parse them. Raises `WrongUsage`."""
        try:
            return super().parse_args(context, self._spelled(args))
        except click.exceptions.NoArgsIsHelpError:
            raise
        except click.UsageError as error:
            raise wrong_usage(error, context) from None

    def _spelled(self, args: Sequence[str]) -> list[str]:
        """With the long name in place of a short one that has its value behind an equals sign."""
        long = {
            short: max(option.opts, key=len)
            for option in self.params
            if isinstance(option, click.Option) and not option.is_flag
            for short in option.opts
            if len(short) == 2
        }
        end = args.index("--") if "--" in args else len(args)
        found = [(arg, SHORT.fullmatch(arg)) for arg in args[:end]]
        spelled = [f"{long[match[1]]}={match[2]}" if match and match[1] in long else arg for arg, match in found]
        return [*spelled, *args[end:]]


def wrong_usage(error: click.UsageError, context: click.Context) -> WrongUsage:
    """The same mistake, told in our way."""
    return WrongUsage(error.format_message(), error.ctx or context)
