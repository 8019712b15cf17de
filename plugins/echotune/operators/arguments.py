"""What DAG files give to operators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Values = Mapping[str, Any]
"""Settings, or what a task returned, by name."""

Upstream = Any
"""What an upstream task returned: an XComArg in a DAG file, the value itself when the task runs."""


def is_on(switch: bool | str) -> bool:
    """Whether a switch is on: True itself, or the text that a template makes of it."""
    return str(switch).lower() == "true"
