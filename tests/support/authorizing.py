"""make authorize, run as a person runs it: a browser that comes back by itself, or an address that is pasted."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from local.ports import free_port

SECONDS = 60
ADDRESS = re.compile(r"^ {4}(http\S+)$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Said:
    """What the command printed and how it ended."""

    status: int
    text: str


def authorize(environment: Mapping[str, str], *, paste: bool = False, state: str | None = None) -> Said:
    """Authorize whoever is signed in at the simulator.

    :param paste: the browser is elsewhere: type in the address where it ended
    :param state: comes back in the place of what was sent
    """
    with _started(environment, "--port", str(free_port())) as process:
        text = _read_until_address(process)
        found = ADDRESS.search(text)
        assert found, text
        sent = httpx.get(found[1], follow_redirects=False, trust_env=False).headers["Location"]
        ended = re.sub(r"state=[^&]*", f"state={state}", sent) if state else sent
        if paste:
            text += process.communicate(f"http://127.0.0.1/callback\n{ended}\n", timeout=SECONDS)[0]
        else:
            assert httpx.get(ended, trust_env=False, timeout=SECONDS).status_code == httpx.codes.OK
            text += process.communicate(timeout=SECONDS)[0]
    return Said(status=process.returncode, text=text)


def remove(environment: Mapping[str, str], username: str) -> Said:
    """Take a listener's authorization back."""
    with _started(environment, "--remove", username) as process:
        text = process.communicate(timeout=SECONDS)[0]
    return Said(status=process.returncode, text=text)


def _started(environment: Mapping[str, str], *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "echotune.deployment.authorize", *arguments]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.Popen(command, env=dict(environment), text=True, **pipes)


def _read_until_address(process: subprocess.Popen[str]) -> str:
    """Read what is said up to the request to paste something."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith("If the browser"):
            break
    return "".join(lines)
