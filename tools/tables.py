# SPDX-License-Identifier: Apache-2.0
"""Reads the tables (*.def) that the program itself is made from, for what is generated beside it.

The comment at a table's head names the columns of each macro; what stands in quotes in a row is
text, everything else is taken as it is.
"""

import ast
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent
ROW = re.compile(r'\b(FP_[A-Z_]+)\(((?:[^()"]|"(?:[^"\\]|\\.)*")*)\)')
TEXT = re.compile(r'"(?:[^"\\]|\\.)*"')


def columns(comment):
    """{macro: [name of each column]}"""
    words = re.sub(r"\n \*", " ", comment)
    return {
        macro: [re.sub(r"\W+", "_", name.strip(' "-')).lower() for name in names.split(",")]
        for macro, names in ROW.findall(words)
    }


def value(text):
    strings = TEXT.findall(text)
    if strings:
        return "".join(map(ast.literal_eval, strings))
    return text.strip()


def split(arguments):
    """At the commas outside of strings."""
    parts, start = [], 0
    for found in re.finditer(TEXT.pattern + "|,", arguments):
        if found.group() == ",":
            parts.append(arguments[start : found.start()])
            start = found.end()
    return parts + [arguments[start:]]


def read(path, macro=None):
    """The rows of a table, or of one of its macros, each {column: text}."""
    source = (ROOT / path).read_text()
    comment, rest = source.split("*/", 1)
    rest = re.sub(r"^#.*(\\\n.*)*", "", rest, flags=re.MULTILINE)
    names = columns(comment)
    rows = []
    for each, arguments in ROW.findall(rest):
        values = [value(part) for part in split(arguments)]
        if len(values) != len(names.get(each, ())):
            raise SystemExit(f"{path}: {each} is not what the comment says it is: {values}")
        if macro in (None, each):
            rows.append(dict(zip(names[each], values)))
    return rows


def verbs():
    """The verbs, each with what can follow it: `options` (rows) and `takes` (words in capitals)."""
    found = []
    for verb in read("cli/verbs.def", "FP_VERB"):
        own = "options" if verb["name"] == "run" else verb["own"]
        table = f"cli/{own}.def"
        options = read(table) if (ROOT / table).exists() else []
        named = {option["name"] for option in options}
        for name in re.findall(r"--[a-z-]+", verb["arguments"]):
            if name not in named:
                options.append({"name": name, "help": ""})
        takes = set(re.findall(r"\b[A-Z]{2,}\b", verb["arguments"])) - {"OPTION"}
        found.append(dict(verb, options=options, takes=takes))
    return found


def keys():
    return read("policy/options.def", "FP_OPTION_KEY")


def actions():
    return read("policy/actions.def", "FP_ACTION")


def version():
    return re.search(r'FP_VERSION "(.*)"', (ROOT / "common/version.h").read_text()).group(1)
