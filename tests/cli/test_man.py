# SPDX-License-Identifier: Apache-2.0
"""The manual pages: nothing of the tables, the records or the header is missing, and no warning."""

import re
import shutil
import subprocess
import sys
from functools import lru_cache

import pytest

import support

sys.path.insert(0, str(support.ROOT / "tools"))
import tables  # noqa: E402: found by the path just set

PAGES = sorted(path.stem for path in (support.ROOT / "docs/man").glob("*.in"))
LIMIT = 120  # seconds


def run(*command, **settings):
    return subprocess.run(
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        universal_newlines=True,
        timeout=LIMIT,
        **settings,
    )


@pytest.fixture(scope="module", params=PAGES)
def page(request, tmp_path_factory):
    return make(request.param, tmp_path_factory.mktemp("man"))


def make(name, folder):
    source = support.ROOT / "docs/man" / f"{name}.in"
    made = run(sys.executable, "-B", support.ROOT / "tools/make_man.py", source)
    assert made.returncode == 0, made.stdout
    (folder / name).write_text(made.stdout)
    return folder / name


@lru_cache(None)
def source_of(name):
    return (support.ROOT / name).read_text()


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """{page: what a reader sees}, each blank one blank."""
    folder, found = tmp_path_factory.mktemp("shown"), {}
    for name in PAGES:
        text = run("mandoc", "-T", "ascii", "-O", "width=400", make(name, folder)).stdout
        found[name] = re.sub(r"\s+", " ", re.sub(".\b", "", text))
    return found


def test_pages():
    assert PAGES == ["forkpolicy.1", "forkpolicy.3", "forkpolicy.5"]


@pytest.mark.skipif(not shutil.which("mandoc"), reason="no mandoc")
def test_mandoc_has_nothing_to_say(page):
    assert run("mandoc", "-T", "lint", page).stdout == ""


@pytest.mark.skipif(not shutil.which("man"), reason="no man")
def test_man_warns_of_nothing(page):
    command = ["man", "--warnings", "-l", "-Tutf8", "-Z", page]
    said = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        timeout=LIMIT,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "HOME": str(page.parent)},
    )
    assert (said.returncode, said.stderr) == (0, b"")


def is_told(text, page):
    return re.sub(r"\s+", " ", text) in page


def test_tables_are_in_the_first_page(shown):
    page = shown["forkpolicy.1"]
    for verb in tables.verbs():
        head = f"{verb['name']} {verb['arguments']}".strip()
        assert page.count(head) >= 2 and is_told(verb["help"][1:], page), head
        for option in verb["options"]:
            assert option["name"] in page and is_told(option["help"][1:], page), option
            assert option.get("argument", "") in page and option.get("variable", "") in page
    for key in tables.keys():
        assert f"{key['key']}={key['allowed']} " in page, key
        assert is_told(key["help"][1:], page) and f"The default is {key['default']}." in page
    for action in tables.actions():
        assert f" {action['name']} {action['help'][0].upper()}{action['help'][1:]}." in page
    for key in tables.read("cli/launch/project.def"):
        assert re.search(rf"\b{key['key']}\b", page.partition(" PROJECT ")[2]), key
    for status in re.findall(r"FP_EXIT_\w+ = (\d+)", source_of("cli/base/say.h")):
        assert re.search(rf" {status} ", page), status
    assert tables.version() in page


def test_policy_files_are_in_the_fifth_page(shown):
    page = shown["forkpolicy.5"]
    for word in tables.read("policy/words.def"):
        assert re.search(rf" {word['name']} \w+ {word['help'][0].upper()}", page), word
        assert is_told(word["help"][1:], page)
    for each in tables.read("policy/classes.def") + tables.actions():
        assert f" {each['name']} {each['help'][0].upper()}{each['help'][1:]}." in page, each
    for each in tables.read("policy/waits.def"):
        assert each["what_the_program_called"] in page
    for word in re.findall(r"^ \*     (?:    )?(\w+) ", source_of("policy/policy_text.h"), re.M):
        assert f" {word} " in page, word


RECORDS = ["event.c", "hang_event.c", "record.c", "reset_event.c"]


@pytest.mark.parametrize("file", RECORDS)
def test_members_of_records_are_in_the_fifth_page(file, shown):
    source = source_of(f"policy/{file}")
    members = set(re.findall(r'\\"(\w+)\\":', source))
    members |= set(re.findall(r'(?:fp_record_\w+|add_\w+)\(text, "(\w+)"', source))
    members |= set(re.findall(r'\{"(\w+)", site->', source))
    assert members
    page = shown["forkpolicy.5"].split(" Records ", 1)[1]
    missing = {name for name in members if not re.search(rf"\b{name}\b", page)}
    assert not missing


def test_words_of_records_are_in_the_fifth_page(shown):
    page = shown["forkpolicy.5"].split(" Records ", 1)[1]
    for file in ("hang_event.c", "event.c", "blame.c"):
        for names in re.findall(
            r"(?:NAMES|ORIGINS)\[\] = \{(.*?)\};", source_of(f"policy/{file}"), re.S
        ):
            for word in re.findall(r'"([a-z ]+)"', names):
                assert re.search(rf"\b{word}\b", page), word
    for table in ("grades", "reasons", "causes", "outcomes"):
        for row in tables.read(f"policy/{table}.def"):
            assert re.search(rf"\b{row.get('name', '')}\b", page), row
    for event in re.findall(r'"(\w+)"(?: or "(\w+)")?(?:,|:)', source_of("policy/event.h")):
        for word in filter(None, event):
            assert re.search(rf"\b{word}\b", page), word


def test_header_is_in_the_third_page(shown):
    header, page = source_of("include/forkpolicy.h"), shown["forkpolicy.3"]
    own = re.sub(r"/\*.*?\*/", "", header, flags=re.S)
    members = "".join(re.findall(r"struct forkpolicy_\w+ \{(.*?)\};", own, re.S))
    for declaration in filter(None, (each.strip() for each in members.split(";"))):
        assert f"{declaration};" in page, declaration
    functions = set(re.findall(r"\b(forkpolicy_\w+)\(", own)) - set(
        re.findall(r"static inline void (forkpolicy_\w+)", own)
    )
    assert len(functions) == 6 and all(f"{name}(" in page for name in functions)
    for name in re.findall(r"\bE[A-Z]{3,}\b", header):
        assert name in page, name


def test_installed(tmp_path):
    """Also the completions, where each shell looks for them."""
    command = ["make", "-C", support.ROOT, "-o", "all", "install", f"DESTDIR={tmp_path}"]
    made = run(*command, "PREFIX=/usr", f"PYTHON={sys.executable}")
    assert made.returncode == 0, made.stdout
    share = tmp_path / "usr/share"
    found = {str(path.relative_to(share)) for path in share.rglob("*") if path.is_file()}
    assert found == {
        "man/man1/forkpolicy.1",
        "man/man3/forkpolicy.3",
        "man/man5/forkpolicy.5",
        "bash-completion/completions/forkpolicy",
        "zsh/site-functions/_forkpolicy",
        "fish/vendor_completions.d/forkpolicy.fish",
    }
    if shutil.which("man"):
        env = {"PATH": "/usr/bin:/bin", "MANPATH": str(share / "man")}
        assert run("man", "-w", "5", "forkpolicy", env=env).stdout.strip().endswith("forkpolicy.5")
