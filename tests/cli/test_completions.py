# SPDX-License-Identifier: Apache-2.0
"""What the shells offer behind `forkpolicy`: everything in the tables, and files and commands."""

import shutil
import subprocess
import sys

import pytest

import support

sys.path.insert(0, str(support.ROOT / "tools"))
import tables  # noqa: E402: found by the path just set

LIMIT = 120  # seconds
VERBS = [verb["name"] for verb in tables.verbs()]
ACTIONS = [action["name"] for action in tables.actions()]
OPTIONS = {verb["name"]: [option["name"] for option in verb["options"]] for verb in tables.verbs()}
SHELLS = ["bash", "zsh", "fish"]

# What readline does: the words, split at '=' and ':' too, and the line; then it calls the function
# that `complete -p` names.
ASK = """
source "$1"
compopt() { :; }
COMP_LINE=$2 COMP_POINT=${#2} COMP_TYPE=9 COMP_KEY=9
spaced=${COMP_LINE//=/ = }
read -ra COMP_WORDS <<< "${spaced//:/ : }"
[[ $COMP_LINE == *' ' ]] && COMP_WORDS+=("")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
specification=$(complete -p forkpolicy)
function=${specification#*-F }
"${function%% *}" forkpolicy "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The completions, and some files that a line may mean."""
    folder = tmp_path_factory.mktemp("completions")
    for shell in SHELLS:
        command = [sys.executable, "-B", support.ROOT / "tools/completions.py", shell]
        with open(folder / shell, "w") as file:
            subprocess.run([str(part) for part in command], stdout=file, check=True, timeout=LIMIT)
    (folder / "files").mkdir()
    for name in ("forks.jsonl", "forks of today.jsonl", "own.policy"):
        (folder / "files" / name).touch()
    return folder


def run(*command, cwd=None):
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        universal_newlines=True,
        timeout=LIMIT,
    ).stdout


def bash(line, folder):
    said = run("bash", "--norc", "-c", ASK, "bash", folder / "bash", line, cwd=folder / "files")
    return said.splitlines() if said.strip() else []


def fish(line, folder):
    script = 'source $argv[1]; complete -C "$argv[2]"'
    said = run("fish", "--no-config", "-c", script, folder / "fish", line, cwd=folder / "files")
    return [each.partition("\t")[0] for each in said.splitlines()]


@pytest.mark.parametrize("shell", SHELLS)
def test_syntax(shell, folder):
    if not shutil.which(shell):
        pytest.skip(f"no {shell}")
    assert run(shell, "-n", folder / shell) == ""


def test_bash_says_nothing_on_loading(folder):
    assert run("bash", "--norc", "-euc", 'source "$1"', "bash", folder / "bash") == ""


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_in_bash(verb, folder):
    assert set(OPTIONS[verb]) <= set(bash(f"forkpolicy {verb} --", folder))


@pytest.mark.skipif(not shutil.which("fish"), reason="no fish")
@pytest.mark.parametrize("verb", VERBS)
def test_every_option_in_fish(verb, folder):
    assert set(OPTIONS[verb]) <= set(fish(f"forkpolicy {verb} --", folder))


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_in_zsh(verb, folder):
    text = (folder / "zsh").read_text()
    (own,) = [part for part in text.split("\n        ") if part.startswith(f"{verb})")]
    behind = text[text.index(own) :].split(";;")[0]
    assert all(f"'{option}" in behind for option in OPTIONS[verb])


LINES = {
    "forkpolicy ": VERBS + ["--help", "--version"],
    "forkpolicy ch": ["check"],
    "forkpolicy nonsense ": [],
    "forkpolicy run --policy ": ACTIONS,
    "forkpolicy run --policy=": ACTIONS,
    "forkpolicy run --policy fail,w": ["fail,warn"],
    "forkpolicy run --policy=fail,w": ["fail,warn"],
    "forkpolicy run --policy refuse:nu": [],
    "forkpolicy run --policy=refuse:numpy,of": ["numpy,off"],  # behind the ':'
    "forkpolicy run --options ": [key["key"] + "=" for key in tables.keys()],
    "forkpolicy run --options on_proven=": ["raise", "exit", "abort", "report"],
    "forkpolicy run --options=on_proven=exit,sev": ["exit,sever="],
    "forkpolicy run --log fork": ["forks.jsonl", "forks of today.jsonl"],
    "forkpolicy run --log=own": ["own.policy"],
    "forkpolicy run --policy-file own": ["own.policy"],
    "forkpolicy path ": [],
}


@pytest.mark.parametrize("line", LINES)
def test_bash(line, folder):
    assert sorted(bash(line, folder)) == sorted(LINES[line])


@pytest.mark.parametrize(
    "line", ["check ba", "run ba", "run -- ba", "run --policy fail ba", "run --policy=fail -- ba"]
)
def test_commands_in_bash(line, folder):
    assert "bash" in bash(f"forkpolicy {line}", folder)


@pytest.mark.parametrize(
    "line", ["run cat own", "run --policy fail -- cat own", "run -- cat -n own"]
)
def test_what_follows_the_command_in_bash(line, folder):
    assert bash(f"forkpolicy {line}", folder) == ["own.policy"]


def test_options_of_the_command_are_its_own(folder):
    assert bash("forkpolicy run -- cat --pol", folder) == []
    assert bash("forkpolicy run cat --pol", folder) == []


@pytest.mark.skipif("explain" not in VERBS, reason="no such verb")
def test_processes_in_bash(folder):
    assert "1" in bash("forkpolicy explain 1", folder)
    assert bash("forkpolicy explain forks.", folder) == ["forks.jsonl"]


FISH_LINES = {
    "forkpolicy ": VERBS,
    "forkpolicy run --policy ": ACTIONS,
    "forkpolicy run --policy=fail,w": ["--policy=fail,warn"],
    "forkpolicy run --options on_proven=exit,sever=": [
        "on_proven=exit,sever=0",
        "on_proven=exit,sever=1",
    ],
    "forkpolicy run --log own": ["own.policy"],
    "forkpolicy run --policy fail -- cat own": ["own.policy"],
}


@pytest.mark.skipif(not shutil.which("fish"), reason="no fish")
@pytest.mark.parametrize("line", FISH_LINES)
def test_fish(line, folder):
    assert sorted(fish(line, folder)) == sorted(FISH_LINES[line])
