# SPDX-License-Identifier: Apache-2.0
"""docs/servers.md, by real runs: servers_table.py [--write] [ROW...]; a ROW is SERVER or SERVER/USE.

A forked process uses what its parent has made, bare and under each policy; then explain is asked about the bare one.
What was seen is kept: a run that was broken off goes on, and rows that are named are run again.
"""

import concurrent.futures
import contextlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent)]

import servers_environment  # noqa: E402: found by the path just set
import servers_job  # noqa: E402
import servers_keeper  # noqa: E402
import servers_page as page  # noqa: E402
import servers_rows as rows  # noqa: E402
import servers_run as run  # noqa: E402
import servers_services  # noqa: E402
import support  # noqa: E402

ADVICE = ("post_fork", "postfork", "worker_process_init", "after_in_child", "set_start_method", "get_context")


class NotHere(Exception):
    """What a row needs is not installed: its name."""


class Table:
    def __init__(self, programs, folder, services):
        self.programs, self.folder, self.services = programs, folder, services

    def server(self, name):
        if name == "celery":
            return run.Celery(rows.SERVERS[name], self.programs, self.services["redis"]["REDIS"])
        return run.Http(rows.SERVERS[name], self.programs)

    def variables(self, name, use):
        wanted = {"CASE": use, "FOREIGN_LIBRARY": str(self.folder / "libforeign.so")}
        for service in rows.services(name, use):
            wanted.update(self.services[service])
        return support.environment(preload=False, extra=wanted)

    def prefix(self, use, policy, log):
        options = rows.OPTIONS + rows.MORE_OPTIONS.get(use, "")
        return [support.PROGRAM, "run", "--policy", policy, "--log", log, "--options", options, "--"]

    @contextlib.contextmanager
    def serving(self, name, use, *prefix):
        """(its client, its process, the file of what it says), once a request has been answered."""
        server, said = self.server(name), self.folder / "said"
        with open(said, "w") as stream:
            settings = {"env": self.variables(name, use), "cwd": HERE / "servers"}
            with run.started([*prefix, *server.command], stdout=stream, stderr=stream, **settings) as process:
                run.until(lambda: server.is_ready() or process.poll() is not None)
                self.check(said)
                assert process.poll() is None and server.is_ready(), said.read_text()
                yield server, process, said

    def check(self, said):
        text = said.read_text()
        if "ModuleNotFoundError: No module named " in text:
            raise NotHere(text.partition("No module named ")[2].split("'")[1] + " is not installed")

    def ask(self, server, use):
        """The worst answer of as many requests at once as the use wants."""
        count = rows.AT_ONCE.get(use, 1)
        with concurrent.futures.ThreadPoolExecutor(count) as pool:
            answers = set(pool.map(server.ask, ["/use"] * count))
        if answers == {"answered"}:
            return "answered"
        if count > 1:
            return "wrong"
        return answers.pop()

    def bare(self, name, use):
        with self.serving(name, use) as (server, _, _):
            return run.BARE[self.ask(server, use)]

    def policy(self, name, use, policy):
        log = self.folder / "log"
        log.unlink(missing_ok=True)
        with self.serving(name, use, *self.prefix(use, policy, log)) as (server, _, said):
            answer = self.ask(server, use)
            hangs = lambda: [each for each in support.read_log(log) if each["event"] == "hang"]  # noqa: E731
            if answer == "hung":
                run.until(lambda: any(each["outcome"] != "waits" for each in hangs()), run.PATIENCE)
            outcomes = {each["outcome"] for each in hangs()}
            goes_on = run.until(lambda: server.ask("/") == "answered", 15)
            told = "forkpolicy: " in said.read_text()
        if answer == "answered":
            return "works, told at the fork" if told else "works"
        if "exited" in outcomes or "aborted" in outcomes:
            return "worker ended and replaced" if goes_on else "worker ended"
        if "raised" in outcomes:
            return "error in the request" if goes_on else "error, then nothing"
        return run.BARE[answer] + (", told" if told else ", silent")

    def ci(self, name, use):
        prefix = [support.PROGRAM, "run", "--ci", "--ci-report", self.folder, "--"]
        with self.serving(name, use, *prefix) as (server, process, _):
            answer = self.ask(server, use)
            ended = run.until(lambda: process.poll() is not None, 20 if answer != "answered" else 2)
            return f"ended, {process.returncode}" if ended else "goes on"

    def explained(self, process, application):
        path = f"{self.programs}:{os.environ['PATH']}"  # where py-spy is
        done = subprocess.run(
            [support.PROGRAM, "explain", str(process.pid)],
            env=support.environment(preload=False, extra={"PATH": path}),
            capture_output=True,
            text=True,
        )
        if done.returncode != 3:
            return "no hang"
        report = done.stdout.partition("forkpolicy:   python ")[0]
        named = "it is not known which" not in report
        told = ["line"] * (f"/{application}:" in report) + ["cause"] * named
        told += ["advice"] * any(word in report for word in ADVICE)
        return "hang: " + ", ".join(told) if told else "hang"

    def explain(self, name, use):
        with self.serving(name, use) as (server, process, _):
            self.ask(server, use)
            return self.explained(process, "cases.py")

    def cell(self, name, use, way):
        if name == "job":
            return servers_job.cell(self, use, way)
        if way in rows.POLICIES:
            return self.policy(name, use, way)
        return {"bare": self.bare, "--ci": self.ci, "explain": self.explain}[way](name, use)

    def row(self, name, use):
        for service in sorted(rows.services(name, use)):
            if not self.services.get(service):
                raise NotHere(f"{service} is not installed")
        return [self.cell(name, use, way) for way in rows.WAYS]


@contextlib.contextmanager
def table(wanted):
    programs = servers_environment.programs()
    foreign = HERE.parent / "python" / "jobs" / "foreign.c"
    needs = set().union(*(rows.services(*row) for row in wanted))
    with tempfile.TemporaryDirectory() as folder, servers_services.running(needs, programs) as services:
        library = Path(folder) / "libforeign.so"
        subprocess.run(["gcc", "-shared", "-fPIC", "-pthread", "-o", library, foreign], check=True)
        yield Table(programs, Path(folder), services)


def look(wanted, seen):
    """Runs the rows; what cannot be run here, and why."""
    absent = {}
    with table(wanted) as made:
        for row in wanted:
            try:
                seen[row] = made.row(*row)
            except (NotHere, AssertionError) as why:  # not here, or it did not start
                absent[row] = str(why).strip().splitlines()[-1]
                print(f"{'/'.join(row)}: {why}", flush=True)
                continue
            page.keep(row, seen[row])
            print(page.line([*page.labels(*row), *seen[row]]), end="", flush=True)
    return absent


def main(arguments):
    named = [each for each in arguments if each != "--write"]
    seen = page.kept()
    wanted = rows.parse(" ".join(named))
    if not named:
        wanted = [row for row in wanted if row not in seen]
    absent = look(wanted, seen) if wanted else {}
    if "--write" in arguments:
        page.PAGE.write_text(page.render({**page.read(), **seen}, absent))


if __name__ == "__main__":
    servers_keeper.alone(main)
