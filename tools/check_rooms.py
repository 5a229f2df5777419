"""Checks that every file keeps to its room: includes, symbols, circles, and what each room may do.

Usage: check_rooms.py BUILD. Reads tools/rooms.txt and the objects in BUILD/obj.
SPDX-License-Identifier: Apache-2.0
"""

import collections
import glob
import os
import re
import subprocess
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)
COMMENT = re.compile(r"/\*.*?\*/", re.S)

# What a kind of file may not do: name, pattern, files, exceptions.
RULES = [
    ("policy/ is pure: no files, threads, allocation, libc state",
     r"\b(malloc|calloc|free|getenv|open|read|write|dlsym|pthread_[a-z]+|printf|errno)\(",
     "policy/**/*.[ch]", ()),
    ("a guest neither allocates nor uses stdio",
     r"\b(malloc|calloc|realloc|free|strdup|[a-z]*printf|fopen|opendir|qsort)\(",
     "shim/**/*.[ch] common/*.[ch]", ()),
    ("a guest takes no locks but the host's", r"\bpthread_mutex_[a-z]+\(",
     "shim/**/*.c common/*.[ch]", ("shim/watch/waits.c",)),
    ("only shim/python knows CPython", r"\bPy[A-Z][A-Za-z]*_",
     "shim/**/*.[ch] policy/**/*.[ch] common/*.[ch] cli/**/*.[ch]",
     ("shim/python/*", "cli/explain/facts.c")),
    ("only ffi_call.c knows libffi", r"<ffi\.h>",
     "shim/**/*.[ch] policy/**/*.[ch] common/*.[ch]", ("shim/reset/ffi_call.c",)),
    ("threads of the loader start in one file, which takes them through forks", r"\bpthread_create\(",
     "loader/**/*.[ch]", ("loader/transport/prefetch_threads.c",)),
    ("only cli/record reads the members of records (record.def)", r"\bjson_object_get\(",
     "cli/**/*.[ch]", ("cli/record/*", "cli/explain/py_spy.c")),
    ("the host speaks to the shim through the environment", r'#include "shim/', "cli/**/*.[ch]", ()),
    ("a guest reads its environment by secure_getenv", r"[^_]getenv\(",
     "shim/**/*.[ch] common/*.[ch]", ()),
]

# What code that runs in a forked child before the host's own may call of libc: async-signal-safe
# functions (POSIX), and string functions that keep no state.
CHILD_LIBC = set("""
    __errno_location syscall clock_gettime getppid getpid mmap munmap mprotect open read close readlinkat fstat
    fcntl dup3 epoll_create1 eventfd epoll_ctl shutdown getsockname getpeername getsockopt readlink
    strcmp strncmp strlen strstr strchr strrchr memchr memcmp memcpy memmove memset
    gnu_dev_major gnu_dev_minor environ _GLOBAL_OFFSET_TABLE_ __libc_single_threaded""".split())
CHILD_LIBC |= set("""
    write uname pthread_sigmask sigemptyset sigfillset sigaddset sigdelset sigismember sigpending
    sigtimedwait sigaction socketpair prctl lseek ftruncate tcgetattr""".split())
CHILD_SECTION = ".text.fp_child"
# Functions whose address the child hands to the kernel, and does not call.
CHILD_POINTERS = {"on_system_call"}

# Circles that the data asks for: nested arrays, and expressions within expressions.
RECURSIONS = [
    "loader/table/take loader/table/take_list loader/table/take_run_end loader/table/take_struct",
    "loader/sql/operand loader/sql/parse",
]

failures = []


def fail(rule, *lines):
    failures.append("\n".join([f"rooms: {rule}", *lines]))


def find(patterns, rule):
    """The files that any of the globs matches; each glob must match something."""
    found = set()
    for pattern in patterns.split():
        matched = glob.glob(pattern, recursive=True)
        if not matched:
            fail(rule, f"  {pattern} matches no file")
        found.update(matched)
    return sorted(found)


def read_rooms(path):
    """room -> rooms that it may use, itself included."""
    direct = {}
    for line in open(path):
        line = line.split("#")[0].strip()
        if line:
            room, below = line.split(":")
            direct[room] = below.split()
    reach = {}
    for room in direct:  # a room stands behind all that it uses
        reach[room] = {room}.union(*(reach[below] for below in direct[room]))
    return direct, reach


def room_of(path, rooms):
    """The innermost room that a file lies in, or None."""
    folder = os.path.dirname(path)
    while folder and folder not in rooms:
        folder = os.path.dirname(folder)
    return folder or None


def check_rules():
    for rule, pattern, files, exceptions in RULES:
        excepted = {name for glob_ in exceptions for name in find(glob_, rule)}
        for name in find(files, rule):
            if name in excepted:
                continue
            text = COMMENT.sub(lambda match: "\n" * match[0].count("\n"), open(name).read())
            for number, line in enumerate(text.splitlines(), 1):
                if re.search(pattern, line):
                    fail(rule, f"  {name}:{number}: {line.strip()}")


def check_includes(reach):
    for room in reach:
        if not glob.glob(f"{room}/**/*.[ch]", recursive=True):
            fail("a room of tools/rooms.txt is empty", f"  {room}")
    for name in glob.glob("*/**/*.[chS]", recursive=True) + glob.glob("*/**/*.def", recursive=True):
        room = room_of(name, reach)
        for included in INCLUDE.findall(open(name, errors="replace").read()) if room else ():
            other = room_of(included, reach) if "/" in included else "include"
            if os.path.exists(included) and other is None:
                other = included.split("/")[0]
            if other is not None and other not in reach[room]:
                fail(f"{room}/ may not include {other}/", f"  {name}: {included}")


def symbols(path):
    """What an object defines, and what it asks for."""
    defined, wanted = set(), set()
    for line in subprocess.run(["nm", path], capture_output=True, text=True, check=True).stdout.splitlines():
        kind, name = line.split()[-2:]
        if kind == "U":
            wanted.add(name)
        elif kind in "TDBRCVWGS":
            defined.add(name)
    return defined, wanted


def read_objects(build):
    root = f"{build}/obj"
    objects = {}
    for path in find(f"{root}/**/*.o", "objects"):
        name = os.path.relpath(path, root)[:-2]
        if name == "known" or glob.glob(f"{name}.[cS]"):  # not what a file that has moved left
            objects[name] = symbols(path)
    return objects


def graph_of(objects, top):
    """object -> objects of the same library that it calls."""
    home = {symbol: name for name, (defined, _) in objects.items() if name.startswith(top) for symbol in defined}
    return {name: {home[symbol] for symbol in wanted if home.get(symbol, name) != name}
            for name, (_, wanted) in objects.items() if name.startswith(top)}


def circles(graph):
    """Strongly connected components of more than one object (Tarjan)."""
    index, low, stack, found = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in sorted(graph.get(node, ())):
            if other not in index:
                visit(other)
            if other in stack:
                low[node] = min(low[node], low[other])
        if low[node] == index[node]:
            at = stack.index(node)
            if len(stack) - at > 1:
                found.append(sorted(stack[at:]))
            del stack[at:]

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return found


def check_symbols(objects, reach):
    tops = sorted({room.split("/")[0] for room in reach})
    for top in tops:
        graph = graph_of({name: value for name, value in objects.items()}, top + "/")
        for name, called in sorted(graph.items()):
            room = room_of(name, reach)
            for other in sorted(called):
                there = room_of(other, reach)
                if room and there and there not in reach[room]:
                    names = sorted(objects[name][1] & objects[other][0])
                    fail(f"{room}/ may not call {there}/", f"  {name} -> {other}: {', '.join(names)}")
        found = {" ".join(circle) for circle in circles(graph)}
        for circle in sorted(found - set(RECURSIONS)):
            fail(f"{top}/ has a circle", f"  {circle}")
        for circle in RECURSIONS:
            if circle.startswith(top + "/") and circle not in found:
                fail(f"{top}/ no longer has a circle that is excepted", f"  {circle}")


RELOCATION = re.compile(r"^[0-9a-f]+\s+[0-9a-f]+\s+R_\w+\s+[0-9a-f]+\s+(\S+)(?: ([+-]) ([0-9a-f]+))?")


def functions(path):
    """(section, start, end) -> name of each function of an object."""
    text = subprocess.run(["objdump", "-tw", path], capture_output=True, text=True, check=True).stdout
    found = {}
    for match in re.finditer(r"^([0-9a-f]+) .*? F (\S+)\t([0-9a-f]+) +(?:\.hidden )?(\S+)$", text, re.M):
        start = int(match[1], 16)
        found[match[2], start, start + int(match[3], 16)] = match[4]
    return found


def relocations(path, section):
    """The symbols that a section of an object refers to; static functions by their names."""
    text = subprocess.run(["readelf", "-rW", path], capture_output=True, text=True, check=True).stdout
    named = functions(path)
    inside = False
    for line in text.splitlines():
        if line.startswith("Relocation section"):
            inside = f"'.rela{section}'" in line
        match = RELOCATION.match(line) if inside else None
        if not match:
            continue
        target = match[1].split("@")[0]
        place = int(match[3] or "0", 16) * (-1 if match[2] == "-" else 1) + 4  # counted from the next instruction
        yield next((name for (where, start, end), name in named.items()
                    if where == target and start <= place < end), target)


def child_symbols(path):
    """The functions of an object that lie in the child's section."""
    text = subprocess.run(["objdump", "-tw", path], capture_output=True, text=True, check=True).stdout
    return {line.split()[-1] for line in text.splitlines() if f" {CHILD_SECTION}\t" in line}


def data_symbols(path):
    text = subprocess.run(["nm", path], capture_output=True, text=True, check=True).stdout
    return {line.split()[-1] for line in text.splitlines() if line.split()[-2] in "DBRdbrC"}


def check_child(build, objects):
    """What the child's section of every object calls stands there too, is pure, or is in the list."""
    paths = {name: f"{build}/obj/{name}.o" for name in objects if name.startswith("shim/")}
    safe = CHILD_LIBC | CHILD_POINTERS
    for name in objects:
        if name.startswith(("policy/", "common/", "known")):
            safe |= objects[name][0]
    inside = {name: child_symbols(path) for name, path in paths.items()}
    if not any(inside.values()):
        fail("no function is marked FP_CHILD")
    for name, path in paths.items():
        safe |= inside[name] | data_symbols(path)
    for name, path in paths.items():
        for symbol in sorted(set(relocations(path, CHILD_SECTION))):
            if symbol not in safe and not re.match(r"\.(L|data|bss|rodata|large|tbss|tdata)", symbol):
                fail("code of the child room calls what is not async-signal-safe", f"  {name}: {symbol}")


def check_picture(direct):
    from draw_rooms import draw

    if open("docs/rooms.svg").read() != draw(direct):
        fail("docs/rooms.svg is old", "  python3 tools/draw_rooms.py > docs/rooms.svg")


def main(build):
    direct, reach = read_rooms("tools/rooms.txt")
    objects = read_objects(build)
    check_rules()
    check_includes(reach)
    check_symbols(objects, reach)
    check_child(build, objects)
    check_picture(direct)
    for failure in failures:
        print(failure, file=sys.stderr)
    if failures:
        sys.exit(1)
    print(f"rooms: {len(objects)} objects in {len(direct)} rooms, every file keeps to its own")


if __name__ == "__main__":
    main(sys.argv[1])
