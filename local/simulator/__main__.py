"""The command that runs the simulator: python -m local.simulator --port 8190 --folder FOLDER."""

from __future__ import annotations

import argparse
import gc
import os
from pathlib import Path

import uvicorn

from local.errors import StackError, exit_with_sentence
from local.files import read_json
from local.ports import LOOPBACK
from local.simulator.app import make_app
from local.simulator.sending import ReachableProtocol
from local.simulator.simulator import Simulator
from local.simulator.tokens import CREDENTIALS_FILE, Credentials

# Longer than a client's own patience with an idle connection, or it would use one that is just being closed.
KEEP_ALIVE_SECONDS = 600
# Nearly all that is made is cached and no garbage: to look for some as often as usual takes a third of the time.
GARBAGE_THRESHOLDS = (100_000, 50, 100)


def main() -> None:
    """Read the command line and serve until a signal."""
    parser = argparse.ArgumentParser(prog="python -m local.simulator", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True, help=f"where {CREDENTIALS_FILE} is")
    arguments = parser.parse_args()
    simulator = Simulator(credentials_in(arguments.folder))
    gc.set_threshold(*GARBAGE_THRESHOLDS)
    uvicorn.run(
        make_app(simulator),
        host=LOOPBACK,
        port=arguments.port,
        loop="uvloop",
        http=ReachableProtocol,
        lifespan="off",
        access_log=False,
        log_level="warning",
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=1,
    )


def credentials_in(folder: Path) -> Credentials:
    """The client that is known: from the file, or where there is none from the environment."""
    held = read_json(folder / CREDENTIALS_FILE)
    client_id = held.get("client_id") or os.environ.get("SPOTIFY_CLIENT_ID")
    client_secret = held.get("client_secret") or os.environ.get("SPOTIFY_CLIENT_SECRET")
    if not client_id or not client_secret:
        raise StackError(
            f"the simulator has no credentials: write client_id and client_secret into {folder / CREDENTIALS_FILE}, "
            "or set SPOTIFY_CLIENT_ID and SPOTIFY_CLIENT_SECRET."
        )
    return Credentials(client_id, client_secret)


if __name__ == "__main__":
    exit_with_sentence(main)
