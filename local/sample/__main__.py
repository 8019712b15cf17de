"""The command `python -m local.sample`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from local.sample.writer import write_sample


def main(arguments: Sequence[str] | None = None) -> None:
    """Writes the file the arguments ask for and prints its facts."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        facts = write_sample(
            options.output,
            rows=options.rows,
            users=options.users,
            seed=options.seed,
            bad_rows=options.bad_rows,
        )
    except (ValueError, OSError) as error:
        parser.error(str(error))
    print(f"{options.output}: {facts}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local.sample",
        description="Write an invented listening history with the traps of a real one.",
    )
    parser.add_argument("--rows", type=int, default=3_000, help="plays in the file (default 3000)")
    parser.add_argument("--users", type=int, default=1, help="users whose plays they are (default 1)")
    parser.add_argument("--seed", type=int, default=7, help="another seed, another history (default 7)")
    parser.add_argument("--output", required=True, metavar="PATH", help="the file to write; .csv.gz is gzipped")
    parser.add_argument("--bad-rows", type=int, default=0, metavar="N", help="spoil N rows, for tests (default 0)")
    return parser


if __name__ == "__main__":
    main()
