"""Logs: one JSON object a line, with the resource and the reconcile that a line is about."""

from __future__ import annotations

import json
import logging
from contextvars import ContextVar
from datetime import UTC, datetime

resource: ContextVar[str] = ContextVar("resource", default="")
reconcile_id: ContextVar[str] = ContextVar("reconcile_id", default="")


class JsonFormatter(logging.Formatter):
    """For machines."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if resource.get():
            line |= {"cluster": resource.get(), "reconcile_id": reconcile_id.get()}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


class TextFormatter(logging.Formatter):
    """For people."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        """One line, and a traceback where there is one."""
        about = f" [{resource.get()}]" if resource.get() else ""
        return super().format(record) + about


def configure(style: str, level: str) -> None:
    """Log to standard error in this style (json, text)."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if style == "json" else TextFormatter())
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    logging.getLogger("kopf").setLevel(max(logging.getLogger().level, logging.WARNING))
