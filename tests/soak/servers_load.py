# SPDX-License-Identifier: Apache-2.0
"""Healthy servers under load beside restarts: servers_load.py SECONDS [SERVER...].

Rounds without the shim and under `warn` and `fail` take turns. Fails where a line is said, a hang, crash or use is
recorded, or a request goes wrong that would not without the shim. Prints what each way has answered, and the processor
time of a request, starts and restarts included, which a machine that does something else besides disturbs less.
"""

import contextlib
import http.client
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent)]

import servers_environment  # noqa: E402: found by the path just set
import servers_keeper  # noqa: E402
import servers_rows as rows  # noqa: E402
import servers_run as run  # noqa: E402
import servers_services  # noqa: E402
import support  # noqa: E402

WAYS = ("bare", "warn", "fail")
ROUND = 20  # seconds of a way, but that each gets three at least
CLIENTS = 2
MORE = {
    "sync": ["--max-requests", "200", "--max-requests-jitter", "50"],
    "gthread": ["--max-requests", "200", "--max-requests-jitter", "50"],
    "uvicorn": ["--max-requests", "200", "--max-requests-jitter", "50"],
    "uwsgi": ["--max-requests", "200"],
    "celery": ["--max-tasks-per-child", "50"],
}
SIGNALS = {  # at a quarter, a half and three quarters of a round
    "sync": (signal.SIGHUP, signal.SIGTTIN, signal.SIGHUP),
    "gthread": (signal.SIGHUP, signal.SIGTTIN, signal.SIGHUP),
    "uvicorn": (signal.SIGHUP, signal.SIGTTIN, signal.SIGHUP),
    "uwsgi": (signal.SIGHUP, signal.SIGHUP, signal.SIGHUP),
    "celery": (),
}
CELERY_CLIENT = """
import cases, sys, time
end, good, bad = time.monotonic() + float(sys.argv[1]), 0, 0
while time.monotonic() < end:
    asked = [cases.ask.delay("/use") for _ in range(20)]
    for each in asked:
        try:
            each.get(timeout=30)
            good += 1
        except Exception:
            bad += 1
print(good, bad)
"""


class Count:
    def __init__(self):
        self.good = self.bad = 0
        self.lock = threading.Lock()

    def add(self, good, bad):
        with self.lock:
            self.good += good
            self.bad += bad


def ask_http(port, end, count):
    while time.monotonic() < end:
        asked = http.client.HTTPConnection("127.0.0.1", port, timeout=run.LIMIT)
        good = False
        with contextlib.suppress(OSError, http.client.HTTPException):
            asked.request("GET", "/use")
            good = asked.getresponse().status == 200
        asked.close()
        count.add(good, not good)


def ask_celery(server, seconds, count):
    variables = support.environment(preload=False, extra={**server.variables, "CASE": "healthy"})
    command = [server.python, "-c", CELERY_CLIENT, str(seconds)]
    done = subprocess.run(command, env=variables, cwd=HERE / "servers", capture_output=True, text=True, check=True)
    count.add(*map(int, done.stdout.split()))


def load(server, name, process, seconds):
    """Asks for so long, restarting workers meanwhile."""
    count, end = Count(), time.monotonic() + seconds
    if name == "celery":
        threads = [threading.Thread(target=ask_celery, args=(server, seconds, count))]
    else:
        threads = [threading.Thread(target=ask_http, args=(server.port, end, count)) for _ in range(CLIENTS)]
    for each in threads:
        each.start()
    for number in SIGNALS[name]:
        time.sleep(seconds / 4)
        process.send_signal(number)
    for each in threads:
        each.join()
    return count


def processor_time():
    """Of all that this process has started and that has ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def of_bare(figures, way):
    """The median of what each round is of the bare one beside it."""
    return statistics.median(one / max(1e-9, bare) for one, bare in zip(figures[way], figures["bare"]))


class Load:
    def __init__(self, programs, folder, services):
        self.programs, self.folder, self.services = programs, folder, services

    def round(self, name, way, seconds):
        """(answers, failed requests, seconds of processor time, what was said and recorded wrongly)."""
        before = processor_time()
        log, said = self.folder / "log", self.folder / "said"
        log.unlink(missing_ok=True)
        server = run.Http(rows.SERVERS[name], self.programs)
        variables = {"CASE": "own"}
        if name == "celery":
            server = run.Celery(rows.SERVERS[name], self.programs, self.services["redis"]["REDIS"])
            variables.update(self.services["redis"])
        prefix = [support.PROGRAM, "run", "--policy", way, "--log", log, "--"] if way != "bare" else []
        settings = {"env": support.environment(preload=False, extra=variables), "cwd": HERE / "servers"}
        with open(said, "w") as stream:
            command = [*prefix, *server.command, *MORE[name]]
            with run.started(command, stdout=stream, stderr=stream, **settings) as process:
                assert run.until(server.is_ready), said.read_text()
                count = load(server, name, process, seconds)
                assert process.poll() is None, said.read_text()
        wrong = [line for line in said.read_text().splitlines() if line.startswith("forkpolicy: ")]
        wrong += [each for each in support.read_log(log) if each["event"] in ("hang", "use", "crash")]
        if wrong:
            for file in (said, log):
                shutil.copy(file, support.BUILD / f"servers-load.{file.name}")  # of the last such round
        return count.good, count.bad, processor_time() - before, wrong

    def server(self, name, seconds):
        """A line of figures; whether all was well."""
        answers, costs = {way: [] for way in WAYS}, {way: [] for way in WAYS}
        failed, wrong = dict.fromkeys(WAYS, 0), []
        rounds = max(3, round(seconds / ROUND / len(WAYS)))
        for number in range(rounds):
            for way in WAYS[number % len(WAYS) :] + WAYS[: number % len(WAYS)]:
                good, bad, used, said = self.round(name, way, seconds / rounds / len(WAYS))
                answers[way].append(good)
                costs[way].append(used / max(1, good))
                failed[way] += bad
                wrong += said
        counts = ", ".join(f"{way} {sum(answers[way])} answered, {failed[way]} failed" for way in WAYS)
        of_them = {way: (of_bare(answers, way), of_bare(costs, way)) for way in WAYS[1:]}
        shares = ", ".join(f"{way} {many:.3f} as many, at {cost:.3f}" for way, (many, cost) in of_them.items())
        print(f"{rows.NAMES[name]}: {counts}; of bare: {shares}; {len(wrong)} lines or records", flush=True)
        for each in wrong[:5]:
            print(f"  {each}", flush=True)
        return not wrong and max(failed["warn"], failed["fail"]) <= failed["bare"] + 2


def main(arguments):
    seconds, names = float(arguments[0]), arguments[1:] or list(MORE)
    programs = servers_environment.programs()
    with tempfile.TemporaryDirectory() as folder, servers_services.running({"redis"}, programs) as services:
        if not services["redis"] and "celery" in names:
            print("celery: redis is not installed")
            names.remove("celery")
        made = Load(programs, Path(folder), services)
        good = [made.server(name, seconds / len(names)) for name in names]
    return 0 if all(good) else 1


if __name__ == "__main__":
    servers_keeper.alone(main)
