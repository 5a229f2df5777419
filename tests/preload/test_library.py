"""The built library: what it exports, what it needs, and its public header.

SPDX-License-Identifier: Apache-2.0
"""

import re
import shutil
import subprocess

import pytest

import support

HEADER = support.ROOT / "include" / "forkpolicy.h"
CXX_STARTER = (
    "_ZNSt6thread15_M_start_threadESt10unique_ptrINS_6_StateESt14default_deleteIS1_EE" "PFvvE"
)


def tool(name, *arguments):
    program = shutil.which(name)
    if not program:
        pytest.skip(f"{name} is not installed")
    return subprocess.run(
        [program, *map(str, arguments)], capture_output=True, text=True, check=True, timeout=60
    ).stdout


def hooks():
    text = (support.ROOT / "shim" / "hooks" / "hooks.def").read_text()
    names = re.findall(r"^FP_HOOK\([^,]+, (\w+),", text, flags=re.M)
    return {CXX_STARTER if name == "FP_CXX_START_THREAD" else name for name in names}


def declared():
    text = re.sub(r"/\*.*?\*/", "", HEADER.read_text(), flags=re.S)
    return set(re.findall(r"^__attribute__\(\(weak\)\).*?\b(forkpolicy_\w+)\(", text, flags=re.M))


def symbols(*options):
    """name -> kind, without the version behind '@'."""
    found = {}
    for line in tool("nm", "-D", *options, support.LIBRARY).splitlines():
        kind, name = line.split()[-2:]
        found[name.split("@")[0]] = kind
    return found


def test_exports():
    """The hooks and the public header, nothing else: a name too many can break a host."""
    assert len(hooks()) >= 10 and declared()
    assert set(symbols("--defined-only")) == hooks() | declared()


def test_needs_libc_alone():
    """And what libc was parted into before glibc 2.34, where it is built for that."""
    needed = re.findall(r"\(NEEDED\).*\[(.+)\]", tool("readelf", "-dW", support.LIBRARY))
    versions = re.findall(r"GLIBC_(\d+)\.(\d+)", tool("objdump", "-T", support.LIBRARY))
    is_for_older = max((int(major), int(minor)) for major, minor in versions) < (2, 34)
    parts = {"libpthread.so.0", "libdl.so.2"} if is_for_older else set()
    assert "libc.so.6" in needed and set(needed) <= {"libc.so.6"} | parts


def test_small_variables_share_a_page():
    """Parent and child write some at each fork, and each page that is written is copied."""
    lines = [line.split() for line in tool("nm", "-nS", support.LIBRARY).splitlines()]
    starts = {line[-1]: int(line[0], 16) for line in lines if len(line) > 2}
    small = {line[3] for line in lines if len(line) == 4 and line[2] in "bB"}
    first = int(re.search(r" \.bss +NOBITS +(\w+)", tool("readelf", "-SW", support.LIBRARY))[1], 16)
    small = {name for name in small if first <= starts[name] < starts["entries"]}
    pages = {starts[name] // 4096 for name in small | {"entries"}}
    assert len(small) > 50 and len(pages) == 1, "a large one has no FP_LARGE"


def test_loads_with_an_old_glibc():
    """manylinux_2_34, the tag of most wheels made today."""
    versions = re.findall(r"GLIBC_(\d+)\.(\d+)", tool("objdump", "-T", support.LIBRARY))
    assert versions
    assert max((int(major), int(minor)) for major, minor in versions) <= (2, 34)


def test_hardening():
    dynamic = tool("readelf", "-dW", support.LIBRARY)
    assert "NODELETE" in dynamic and "BIND_NOW" in dynamic
    assert "TEXTREL" not in dynamic and "RPATH" not in dynamic and "RUNPATH" not in dynamic
    stack = [
        line for line in tool("readelf", "-lW", support.LIBRARY).splitlines() if "GNU_STACK" in line
    ]
    assert len(stack) == 1 and " RWE " not in stack[0]


@pytest.fixture(scope="module")
def musl(tmp_path_factory):
    """musl itself: its libc and its loader are one file, the interpreter of its programs."""
    if not shutil.which("musl-gcc"):
        pytest.skip("musl-gcc (Debian's musl-tools) is not installed")
    program = tmp_path_factory.mktemp("musl") / "program"
    subprocess.run(
        ["musl-gcc", "-x", "c", "-o", program, "-"],
        input=b"int main(void) { return 0; }",
        check=True,
        timeout=60,
    )
    return re.search(r"interpreter: ([^\]]+)\]", tool("readelf", "-lW", program)).group(1)


def test_no_symbol_that_only_glibc_has(musl):
    """musl binds everything at load and ends the program over one name it lacks. Weak names may
    be missing; glibc's fortified ones (__*_chk) are the usual accident."""
    undefined = {name: kind for name, kind in symbols("--undefined-only").items()}
    strong = {name for name, kind in undefined.items() if kind not in "wv"}
    assert not [name for name in strong if name.endswith("_chk")]
    have = {
        line.split()[-1].split("@")[0]
        for line in tool("nm", "-D", "--defined-only", musl).splitlines()
    }
    assert strong - have == set()


LANGUAGES = {
    "C11": ("gcc", "-std=c11", "c"),
    "C++17": ("g++", "-std=c++17", "c++"),
    "C11, clang": ("clang", "-std=c11", "c"),
    "C++17, clang": ("clang", "-std=c++17", "c++"),
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_header_compiles_alone(language, tmp_path):
    compiler, standard, kind = LANGUAGES[language]
    if not shutil.which(compiler):
        pytest.skip(f"{compiler} is not installed")
    source = tmp_path / "alone"
    source.write_text(
        '#include "forkpolicy.h"\n#include "forkpolicy.h"\n'
        "int use(void);\nint use(void) { return forkpolicy_version != 0; }\n"
    )
    made = subprocess.run(
        [
            compiler,
            standard,
            "-x",
            kind,
            "-Wall",
            "-Wextra",
            "-Wpedantic",
            "-Werror",
            f"-I{HEADER.parent}",
            "-c",
            "-o",
            tmp_path / "alone.o",
            source,
        ],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert made.returncode == 0, made.stderr
    assert " w forkpolicy_version" in tool("nm", tmp_path / "alone.o")


def test_its_function_is_there_only_with_the_shim():
    bare = support.run([support.host("weak_header")], preload=False)
    assert (bare.status, bare.stdout) == (0, "not there\n")
    outcome = support.run([support.host("weak_header")])
    assert outcome.status == 0 and re.fullmatch(r"\d+\.\d+\.\d+\n", outcome.stdout), outcome
