"""make demo: the stack, a sample or plays of one's own, the three data DAGs one after the other, what came out."""

from __future__ import annotations

import argparse
import glob
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from local.__main__ import up
from local.airflow_api import AirflowApi, Json
from local.dag_runs import POLL_SECONDS, Run, log_lines, task_instances, trigger
from local.errors import StackError, exit_with_sentence, say
from local.files import PROJECT, make_private_folder, read_json, write_json
from local.numbers import read_number
from local.settings import stack_folder
from local.stack import Stack, open_stack

DAG = "csv_backfill"
ENRICHMENT = "spotify_enrichment"
SYNC = "mongo_to_supabase_sync"
# The simulator has no limits unless it is told some, and the demo should take seconds.
SIMULATOR_BUDGET = {"calls_per_30s": 10_000, "calls_per_24h": 1_000_000}
SUMMARY_TASK = "summary"
PAGE = "/plugin/echotune"
GENERATED, OWN = "generated", "a person's own"
TOP_ARTISTS = "select name, plays from top_artists where period = 'all' order by plays desc limit 10"
RUN_SECONDS = 3600.0
LOG_LINES = 30
# In the order a task passes them; a state Airflow adds later comes at the end.
STATES = (
    "scheduled",
    "queued",
    "running",
    "deferred",
    "up_for_retry",
    "success",
    "skipped",
    "upstream_failed",
    "failed",
)


def main() -> None:
    """Read the command line and show the demo."""
    parser = argparse.ArgumentParser(prog="python -m local.demo", description=__doc__)
    parser.add_argument("ports", nargs="*", metavar="NAME_PORT=N")
    parser.add_argument("--stack", default="demo")
    parser.add_argument("--rows", default="20000")
    parser.add_argument("--source", default="", help="a file of one's own, instead of a generated sample")
    parser.add_argument("--username", default="", help="whose plays it holds, where it does not say so")
    parser.add_argument("--dag", default=DAG, help="another DAG, for tests")
    arguments = parser.parse_intermixed_args()  # ports may come after options
    if not read_number(arguments.rows):
        raise StackError(f"ROWS={arguments.rows} is not a number of plays: give one such as ROWS=20000.")
    own = own_source(arguments.source) if arguments.source else None
    keep_apart(stack_folder(arguments.stack), GENERATED if own is None else OWN)
    up(arguments.stack, arguments.ports)
    stack = open_stack(arguments.stack)
    if stack is None:
        raise StackError("the stack did not start: run make status.")
    source = own or str(sample(stack.folder / "samples", int(arguments.rows)))
    with stack.api() as api:
        username = {"username": arguments.username} if arguments.username else {}
        run = show_run(api, arguments.dag, {"source": source} | username)
        if arguments.dag == DAG:
            run = enrich(api, stack) or run
            run = sync(api, stack) or run
    show_ways_on(stack, run)


def show_run(api: AirflowApi, dag: str, conf: Json) -> Run:
    """Run a DAG to its end and show how it goes and what came out."""
    begun = time.monotonic()
    run = trigger(api, dag, conf)
    state = follow(api, run)
    say(f"{run.dag}: {state} after {time.monotonic() - begun:.0f} s")
    if state != "success":
        raise failure(api, run)
    show_summary(api, run)
    return run


def enrich(api: AirflowApi, stack: Stack) -> Run | None:
    """Enrich what was loaded, where the simulator answers: a person's own account is for that person to use."""
    say("")
    if not stack.needs("spotify"):
        say(f"Spotify is your own here, or nobody's: start {ENRICHMENT} yourself when you want to spend its calls.")
        return None
    say("Enriching from a simulated Spotify: values are made up and marked as spotify-simulated or")
    say("reccobeats-simulated. A run with your own SPOTIFY_CLIENT_ID and SPOTIFY_CLIENT_SECRET replaces them.")
    return show_run(api, ENRICHMENT, SIMULATOR_BUDGET)


def sync(api: AirflowApi, stack: Stack) -> Run | None:
    """Copy what is in MongoDB to the stack's own PostgreSQL: a person's own Supabase is for that person to fill."""
    say("")
    if "DATABASE_URL" in stack.own_settings:
        say(f"DATABASE_URL is your own here: start {SYNC} yourself when you want tables and rows made there.")
        return None
    say("Copying from MongoDB to PostgreSQL, which stands in for Supabase, and proving both sides equal.")
    return show_run(api, SYNC, {})


def own_source(source: str) -> str:
    """A source as the DAG takes it, wherever its tasks run; a folder or pattern of this machine names something."""
    if "://" in source:
        return source
    path = Path(source).expanduser().absolute()
    if not glob.glob(str(path)):
        raise StackError(f"SOURCE={source} names nothing that is here: give a file, a folder or a pattern.")
    return str(path)


def keep_apart(folder: Path, plays: str) -> None:
    """Let a stack have generated plays or a person's own, never both: they could not be told apart later."""
    record = folder / "demo.json"
    found = read_json(record).get("plays") or (GENERATED if (folder / "samples").is_dir() else plays)
    if found != plays:
        raise StackError(
            f"the stack {folder.name} holds {found} plays, and {plays} ones would mix with them: give these a stack "
            "of their own (STACK=mine, say), or remove everything with make clean."
        )
    make_private_folder(folder)
    write_json(record, {"plays": plays})


def sample(folder: Path, rows: int) -> Path:
    """A generated listening history of so many rows, made once."""
    path = make_private_folder(folder) / f"plays-{rows}.csv"
    if not path.exists():
        say(f"Generating a sample of {rows:,} plays ...")
        partial = path.with_suffix(".partial")
        command = [sys.executable, "-m", "local.sample", "--rows", str(rows), "--output", str(partial)]
        made = subprocess.run(command, cwd=PROJECT, stdin=subprocess.DEVNULL, check=False)
        if made.returncode:
            raise StackError("the sample could not be generated: see the message above.")
        partial.replace(path)
    return path


def follow(api: AirflowApi, run: Run) -> str:
    """Show how the run gets on until it has ended; returns its last state."""
    shown = ""
    deadline = time.monotonic() + RUN_SECONDS
    while True:
        state = str(api.get(run.path)["state"])
        line = f"{run.dag}: {state}; tasks: {progress(task_instances(api, run)) or 'none yet'}"
        if line != shown:
            _show_progress(line, shown)
            shown = line
        if state in ("success", "failed"):
            if sys.stdout.isatty():
                say("")
            return state
        if time.monotonic() > deadline:
            raise StackError(f"the run did not end in {RUN_SECONDS / 60:.0f} minutes: see it in the Airflow UI.")
        time.sleep(POLL_SECONDS)


def progress(tasks: Iterable[Json]) -> str:
    """Tasks by state, with the names of what is at work: "3 success, 1 running (load)"."""
    names: dict[str, list[str]] = {}
    for task in tasks:
        if task["state"]:
            names.setdefault(task["state"], []).append(task["task_id"])
    order = [*STATES, *sorted(set(names) - set(STATES))]
    return ", ".join(_one_state(state, names[state]) for state in order if state in names)


def failure(api: AirflowApi, run: Run) -> StackError:
    """What to tell about a failed run: the end of the first failing task's log."""
    failed = [task for task in task_instances(api, run) if task["state"] == "failed"]
    if not failed:
        return StackError(f"the run {run.run} failed without a failed task: see it in the Airflow UI.")
    task = min(failed, key=lambda one: one["end_date"] or "")
    say(f"\nThe last lines of the log of {task['task_id']}:")
    for line in log_lines(api, run, task)[-LOG_LINES:]:
        say(f"  {line}")
    return StackError(
        f"the task {task['task_id']} of {run.dag} failed: the end of its log is above, all of it in the Airflow UI."
    )


def show_summary(api: AirflowApi, run: Run) -> None:
    """Print what the run's summary task returned."""
    entry = api.find(f"{run.path}/taskInstances/{SUMMARY_TASK}/xcomEntries/return_value")
    if entry is None:
        say("The run left no summary.")
        return
    say("")
    value = entry["value"]
    sentences = value.get("text") if isinstance(value, dict) else None
    for line in sentences or summary_lines(value):
        say(line)


def show_ways_on(stack: Stack, run: Run) -> None:
    """Where to look next."""
    option = "" if stack.name == "demo" else f" STACK={stack.name}"
    prefix = "" if stack.name == "demo" else f"STACK={stack.name} "
    say("")
    say(f"See the page:   {stack.airflow.url}{PAGE}")
    say(f"                user admin, password: make password{option}")
    say(f"See the run:    {stack.airflow.url}/dags/{run.dag}/runs/{run.run}")
    say(f"See the plays:  {prefix}local/run mongosh --eval 'db.listening_history.findOne()'")
    say(f"See the tracks: {prefix}local/run mongosh --eval 'db.tracks.find().sort({{play_count: -1}}).limit(3)'")
    if run.dag == SYNC:
        say(f'See the tables: {prefix}local/run psql -c "{TOP_ARTISTS}"')
    say(f"See the stack:  make status{option}      Stop it: make down{option}")


def _one_state(state: str, tasks: list[str]) -> str:
    if state in ("success", "skipped", "scheduled"):
        return f"{len(tasks)} {state}"
    counts = Counter(tasks)
    named = [name if count == 1 else f"{name} x{count}" for name, count in counts.items()]
    return f"{len(tasks)} {state} ({', '.join(named)})"


def _show_progress(line: str, before: str) -> None:
    if sys.stdout.isatty():
        width = os.get_terminal_size().columns - 1
        sys.stdout.write("\r" + line[:width].ljust(min(len(before), width)))
        sys.stdout.flush()
    else:
        say(line)


def summary_lines(value: Any, indent: str = "") -> list[str]:
    """A nested value as indented lines a person can read."""
    if isinstance(value, list):
        return [line for item in value for line in summary_lines(item, indent)]
    if not isinstance(value, dict):
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return [f"{indent}{value:,}" if number else f"{indent}{value}"]
    width = max((len(str(name)) for name in value), default=0)
    lines = []
    for name, item in value.items():
        if isinstance(item, dict | list):
            lines += [f"{indent}{name}:", *summary_lines(item, indent + "  ")]
        else:
            lines.append(f"{indent}{str(name).ljust(width)}  {summary_lines(item)[0]}")
    return lines


if __name__ == "__main__":
    exit_with_sentence(main)
