# SPDX-License-Identifier: Apache-2.0
"""spawn and forkserver: multiprocessing starts by them where the program does not choose."""

import pytest

import support
from interpreters import ask_interpreter
from python_jobs import JOBS, POOLS, answer, run_job

METHODS = "spawn", "forkserver"
GUARD = '\nif __name__ == "__main__":\n'


@pytest.fixture
def job(tmp_path):
    """job(TEXT, ...): the outcome of a program under `spawn`."""

    def run(text, policy="spawn", environment="wheels", options=None, flags=(), preload=True):
        path = tmp_path / "job.py"
        path.write_text(text)
        env = dict(POOLS, **({"FORKPOLICY_OPTIONS": options} if options else {}))
        command = [support.environment_python(environment), *flags, path]
        return support.run(command, policy=policy, env=env, preload=preload)

    return run


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("way", ["process", "pool", "executor", "loader"])
def test_children_work_beside_polars(way, method):
    outcome = run_job("start_method.py", way, policy=method)
    said = answer(outcome)
    assert said["method"] == method
    assert said["found"] and all(row == [3, "start_method.py", 0] for row in said["found"])
    assert outcome.stderr == ""


def test_joblib():
    outcome = run_job("start_method.py", "joblib", policy="spawn", environment="hangs")
    said = answer(outcome)
    assert said["method"] == "spawn" and [row[0] for row in said["found"]] == [3, 3, 3]


@pytest.mark.parametrize("way", ["process", "pool", "executor"])
def test_in_each_python(interpreter, way):
    outcome = support.run([interpreter, "-X", "dev", JOBS / "start_method.py", way], policy="spawn")
    said = answer(outcome)
    is_old = ask_interpreter(interpreter)[1] in ("3.6", "3.7")
    assert said["method"] == ("fork" if is_old else "spawn")
    assert said["found"] and all(row[0] == 3 for row in said["found"])
    assert outcome.said == []


@pytest.mark.parametrize("policy", [None, "fail", "reset", "refuse"])
def test_where_it_is_not_asked_for(job, policy):
    outcome = job("import multiprocessing\nprint(multiprocessing.get_start_method())", policy)
    assert (outcome.stdout, outcome.stderr) == ("fork\n", "")


# Who insists on fork

INSISTS = {
    "get_context": "multiprocessing.get_context('fork')",
    "set_start_method": "multiprocessing.set_start_method('fork') or multiprocessing.get_context()",
    "its own class": "multiprocessing.context.ForkContext()",
}


@pytest.mark.parametrize("how", INSISTS)
@pytest.mark.parametrize("options", [None, "replace_fork=1"])
def test_who_insists_on_fork(job, how, options):
    outcome = job(
        "import multiprocessing, os, sys\n"
        "def tell(): print(multiprocessing.current_process()._popen is None, sys.flags.inspect,"
        " 'forked' if 'marked' in globals() else 'started', flush=True)\n"
        f"{GUARD}"
        "    marked = True\n"
        f"    context = {INSISTS[how]}\n"
        "    process = context.Process(target=tell)\n"
        "    process.start(); process.join()\n"
        "    sys.exit(process.exitcode)\n",
        options=options,
    )
    assert (outcome.status, outcome.stderr) == (0, "")
    is_replaced = options and how != "its own class"
    assert outcome.stdout.split()[-1] == ("started" if is_replaced else "forked")


def test_a_loader_that_insists_on_fork(job):
    text = (
        "from torch.utils.data import DataLoader\n"
        "def all_of(rows): return rows\n"
        f"{GUARD}"
        "    loader = DataLoader([1, 2], 2, num_workers=1, multiprocessing_context='fork',"
        " collate_fn=COLLATE)\n"
        "    print(loader.multiprocessing_context.get_start_method(), *loader)\n"
    )
    outcome = job(text.replace("COLLATE", "lambda rows: rows"))
    assert outcome.stdout == "fork [1, 2]\n", outcome
    outcome = job(text.replace("COLLATE", "all_of"), options="replace_fork=1")
    assert outcome.stdout == "spawn [1, 2]\n", outcome


# What cannot be sent


def error_of(outcome):
    assert outcome.status == 1, outcome
    return outcome.stderr.splitlines()[-1]


def test_a_target_that_cannot_be_pickled(job):
    outcome = job(f"import multiprocessing\n{GUARD}    multiprocessing.Process(target=lambda: 0).start()\n")
    said = error_of(outcome)
    assert said.startswith("_pickle.PicklingError: target, the function <lambda> of "), said
    assert "job.py:4, cannot be sent to a process that is started by spawn, at " in said
    assert "Define it at the top of a module" in said and 'get_context("fork")' in said


def test_an_argument_deep_within_cannot_be_pickled(job):
    outcome = job(
        "import multiprocessing, threading\n"
        "class Config: pass\n"
        "def work(config): pass\n"
        f"{GUARD}"
        "    config = Config()\n"
        "    config.hooks = {'end': [threading.Lock()]}\n"
        "    multiprocessing.Pool(1, work, (config,))\n"
    )
    assert "args[" in error_of(outcome)
    assert ".hooks['end'][0], a _thread.lock, cannot be sent" in error_of(outcome)
    assert "job.py:8: " in error_of(outcome)


def test_a_dataset_that_cannot_be_pickled(job):
    outcome = job(
        "from torch.utils.data import DataLoader\n"
        "class Rows(list):\n"
        "    transform = None\n"
        f"{GUARD}"
        "    rows = Rows([1, 2])\n"
        "    rows.transform = lambda row: row\n"
        "    list(DataLoader(rows, num_workers=1))\n"
    )
    assert "args[1].transform, the function <lambda> of " in error_of(outcome)


def test_other_errors_of_a_start_are_as_they_are(job):
    outcome = job(
        "import multiprocessing\n"
        f"{GUARD}"
        "    multiprocessing.set_executable('/nothing/here')\n"
        "    process = multiprocessing.Process(target=print)\n"
        "    process._args = None\n"
        "    try:\n"
        "        process.start()\n"
        "    except FileNotFoundError:\n"
        "        pass\n"
        "    process.join(); print('joined')\n"
    )
    assert outcome.stdout.endswith("joined\n") and "cannot be sent" not in outcome.stderr


@pytest.mark.parametrize("kind", ["Pool(1).map", "pool"])
def test_functions_below_the_guard(job, kind):
    """A Pool's worker would end at each task, without end."""
    call = {
        "Pool(1).map": "multiprocessing.Pool(1).map(below, [1])",
        "pool": "ProcessPoolExecutor(1).submit(below, 1).result()",
    }[kind]
    outcome = job(
        "import multiprocessing\nfrom concurrent.futures import ProcessPoolExecutor\n"
        f"{GUARD}"
        "    def below(x): return x\n"
        f"    print({call})\n"
    )
    assert "the function below of " in error_of(outcome)
    assert 'what is below `if __name__ == "__main__":`' in error_of(outcome)


def test_functions_on_both_sides_of_the_guard(job):
    outcome = job(
        "import multiprocessing\n"
        "if __name__ == '__main__':\n    def work(x): return x\n"
        "else:\n    def work(x): return x + 1\n"
        f"{GUARD}"
        "    print(multiprocessing.Pool(1).map(work, [1]))\n"
    )
    assert outcome.stdout == "[2]\n", outcome


def test_functions_below_the_guard_in_forked_pools(job):
    outcome = job(
        "import multiprocessing\n"
        "def above(x): return x + 1\n"
        f"{GUARD}"
        "    def below(x): return x\n"
        "    print(multiprocessing.Pool(1).map(above, [1]))\n"
        "    print(multiprocessing.get_context('fork').Pool(1).map(below, [1]))\n"
    )
    assert outcome.stdout == "[2]\n[1]\n", outcome


# The main program


def test_a_program_without_a_guard_is_told_and_not_run_twice(job):
    text = (
        "import multiprocessing\n"
        "print('top', flush=True)\n"
        "def work(): pass\n"
        "def start():\n"
        "    multiprocessing.Process(target=work).start()\n"
        "START\n"
    )
    outcome = job(text.replace("START", "start()"))
    assert outcome.stdout == "top\n"
    said = error_of(outcome)
    assert said.startswith("forkpolicy.ForkPolicyError: ")
    assert "job.py:6 would be run again in each process that is started by spawn" in said
    assert "job.py:5: put it below `if __name__" in said
    in_thread = "import threading; t = threading.Thread(target=start); t.start(); t.join()"
    outcome = job(text.replace("START", in_thread))
    assert outcome.stdout == "top\n" and "job.py:6 would be run again" in outcome.stderr


@pytest.mark.parametrize(
    "guard",
    [
        'if __name__ == "__main__":',
        "if '__main__' == __name__ and True:",
        "if multiprocessing.current_process().name == 'MainProcess':",
        'try:\n  if __name__ == "__main__":',
    ],
)
def test_guards(job, guard):
    indent = "  " if guard.startswith("try") else ""
    end = "\nfinally: pass\n" if indent else "\n"
    outcome = job(
        "import multiprocessing\n"
        "print('top', flush=True)\n"
        f"{guard}\n{indent}    multiprocessing.Process(target=print, args=('child',)).start(){end}"
    )
    assert outcome.stdout == "top\ntop\nchild\n", outcome
    assert outcome.stderr == ""


def test_a_program_that_is_no_file(tmp_path):
    program = "import multiprocessing as m; print(m.get_start_method(), m.Pool(1).map(abs, [-1]))"
    command = [support.environment_python("wheels"), "-c", program]
    outcome = support.run(command, policy="spawn")
    assert outcome.stdout == "fork [1]\n"
    (line,) = outcome.stderr.splitlines()
    assert line.startswith("forkpolicy: spawn is not possible in pid ")


def test_a_package_is_run(tmp_path):
    """Its __main__ is not run again."""
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text("def work(x): return x + 1\n")
    (package / "__main__.py").write_text(
        "import multiprocessing, package\nprint('top', flush=True)\n"
        "print(multiprocessing.get_start_method(), multiprocessing.Pool(1).map(package.work, [1]))\n"
    )
    command = [support.environment_python("wheels"), "-m", "package"]
    outcome = support.run(command, policy="spawn", cwd=tmp_path)
    assert outcome.stdout == "top\nspawn [2]\n", outcome


def test_a_program_that_chooses_spawn_has_guards_of_its_own(job):
    outcome = job(
        "import multiprocessing, os\n"
        "def work(): print('child', flush=True)\n"
        "if os.environ.setdefault('FIRST', str(os.getpid())) == str(os.getpid()):\n"
        "    process = multiprocessing.get_context('spawn').Process(target=work)\n"
        "    process.start(); process.join()\n"
    )
    assert (outcome.stdout, outcome.stderr) == ("child\n", "")


# The rest of the policy


def test_other_forks_are_judged_as_by_fail(job):
    text = (
        "import os, polars\n"
        "def used(): return polars.DataFrame({'x': [1]}).lazy().select(polars.col('x').sum()).collect()\n"
        f"{GUARD}"
        "    used()\n"
        "    pid = os.fork()\n"
        "    if pid == 0:\n"
        "        used(); os._exit(0)\n"
        "    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n"
    )
    outcome = job(text)
    assert outcome.stdout == "70\n" and "can never go on" in outcome.said[0]
    outcome = job(text, policy="spawn,refuse:*")
    assert "ForkPolicyError: fork refused" in error_of(outcome)


def test_a_preloaded_module_with_threads_in_the_forkserver_is_told(tmp_path):
    (tmp_path / "starts_threads.py").write_text(
        "import polars\npolars.DataFrame({'x': [1]}).lazy().select(polars.col('x').sum()).collect()\n"
    )
    (tmp_path / "job.py").write_text(
        "import multiprocessing\n"
        f"{GUARD}"
        "    multiprocessing.set_forkserver_preload(['starts_threads'])\n"
        "    process = multiprocessing.get_context('forkserver').Process(target=print, args=(3,))\n"
        "    process.start(); process.join()\n"
    )
    command = [support.environment_python("wheels"), tmp_path / "job.py"]
    env = dict(POOLS, PYTHONPATH=str(tmp_path))
    outcome = support.run(command, policy="warn", env=env)
    said = "\n".join(outcome.said)
    assert outcome.stdout == "3\n" and "polars" in said
    assert "do      leave the module that starts threads out of multiprocessing.set_forkserver" in said


def test_a_pattern_is_a_mistake(job):
    outcome = job("import threading\nt = threading.Thread(target=int)\nt.start()\n", "spawn:polars")
    assert outcome.said == [
        "forkpolicy: FORKPOLICY column 7: a start method is for the whole job: no pattern, no "
        "place; this entry is left out"
    ]
