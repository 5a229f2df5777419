# SPDX-License-Identifier: Apache-2.0
"""Build tool: a manual page from its template and the tables. Usage: make_man.py FILE.in > PAGE

A line @NAME@ of the template becomes a list of what is in a table; @VERSION@ stands anywhere.
"""

import re
import sys
import textwrap

import tables

WIDTH = 78


def escape(text):
    """As text in roff: what would be typographic in it stays as it is typed."""
    text = text.replace("\\", "\\e").replace("'", "\\(aq").replace("`", "\\(ga")
    text = re.sub(r"(?<![A-Za-z])-|-(?=-)", r"\\-", text)
    return text.replace("^", "\\(ha").replace("~", "\\(ti").replace('"', "\\(dq")


def fill(text):
    """A sentence of a table as lines of roff."""
    lines = textwrap.wrap(escape(text), WIDTH, break_on_hyphens=False, break_long_words=False)
    return ["\\&" + line if line.startswith((".", "'")) else line for line in lines]


def sentence(text):
    return text[:1].upper() + text[1:] + "."


def bold(text):
    return f"\\fB{escape(text)}\\fR"


def italic(text):
    return f"\\fI{escape(text)}\\fR"


def usage(text):
    """Words in capitals are what the user puts in."""
    parts = re.split(r"(\b[A-Z]{2,}\b|--[a-z-]+)", text)
    style = {0: escape, 1: lambda word: bold(word) if word[0] == "-" else italic(word)}
    return "".join(style[i % 2](part) for i, part in enumerate(parts))


def entry(head, *texts):
    return [".TP", head] + [line for text in texts if text for line in fill(text)]


def with_argument(option):
    head = ", ".join(bold(name) for name in (option.get("n"), option["name"]) if name)
    return head + (f" {italic(option['argument'])}" if option.get("argument") else "")


def synopsis():
    lines = []
    for verb in tables.verbs():
        line = f"{bold('forkpolicy')} {bold(verb['name'])} {usage(verb['arguments'])}"
        lines += [line.rstrip(), ".br"]
    return lines + [f"{bold('forkpolicy')} {bold('--help')} | {bold('--version')}"]


def verbs():
    lines = []
    for verb in tables.verbs():
        head = f"{bold(verb['name'])} {usage(verb['arguments'])}".rstrip()
        lines += entry(head, sentence(verb["help"]))
    return lines


def options(name):
    """What follows a verb, with what else each option does: the variable that it sets."""
    (verb,) = [verb for verb in tables.verbs() if verb["name"] == name]
    lines = []
    for option in verb["options"]:
        variable = option.get("variable")
        sets = f"Sets {variable} for the job." if variable else ""
        lines += entry(with_argument(option), sentence(option["help"]), sets)
    return lines


def other_options():
    """Of every verb but run."""
    lines = []
    for verb in tables.verbs():
        if verb["name"] != "run" and any(option["help"] for option in verb["options"]):
            lines += [f".SS Options of {verb['name']}"] + options(verb["name"])
    return lines


def actions():
    lines = []
    for action in tables.actions():
        lines += entry(bold(action["name"]), sentence(action["help"]))
    return lines


def keys():
    lines = []
    for key in tables.keys():
        head = f"{bold(key['key'] + '=')}{escape(key['allowed'])}"
        lines += entry(head, sentence(key["help"]), f"The default is {key['default']}.")
    return lines


def words():
    kinds = {"GLOB": "GLOB", "CLAUSE": "CLASS", "CALL": "CALL", "TEXT": "TEXT"}
    lines = []
    for word in tables.read("policy/words.def", "FP_WORD"):
        head = f"{bold(word['name'])} {italic(kinds.get(word['kind'], word['kind']))}"
        lines += entry(head, sentence(word["help"]))
    return lines


def classes():
    lines = []
    for each in tables.read("policy/classes.def", "FP_CLASS"):
        lines += entry(bold(each["name"]), sentence(each["help"]))
    return lines


def variables():
    lines = []
    (run,) = [verb for verb in tables.verbs() if verb["name"] == "run"]
    for option in run["options"]:
        if option["variable"]:
            head = bold(option["variable"])
            also = f"The same as {option['name']} of forkpolicy run."
            path = "An absolute path." if option["is_path"] == "true" else ""
            lines += entry(head, sentence(option["help"]), path, also)
    return lines


def waits():
    names = [row["what_the_program_called"] for row in tables.read("policy/waits.def", "FP_WAIT")]
    return fill(", ".join(names) + ".")


def page(template):
    blocks = {
        "SYNOPSIS": synopsis,
        "VERBS": verbs,
        "OPTIONS": lambda: options("run"),
        "OTHER_OPTIONS": other_options,
        "ACTIONS": actions,
        "KEYS": keys,
        "WORDS": words,
        "CLASSES": classes,
        "VARIABLES": variables,
        "WAITS": waits,
    }
    lines = []
    for line in template.replace("@VERSION@", tables.version()).splitlines():
        name = re.fullmatch(r"@([A-Z_]+)@", line)
        lines += blocks[name.group(1)]() if name else [line]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    with open(sys.argv[1]) as file:
        sys.stdout.write(page(file.read()))
