# SPDX-License-Identifier: Apache-2.0
"""Build tool: completions of a shell from the tables. Usage: completions.py bash|zsh|fish > FILE

What a verb takes is in its usage line: COMMAND and PROGRAM are programs, PID a process, LOG and
FILE files.
"""

import shlex
import sys

import tables

HEAD = """\
# SPDX-License-Identifier: Apache-2.0
# Made by tools/completions.py from the program's tables.
"""


def values():
    """{key of --options: the words that it takes}"""
    return {
        key["key"]: key["allowed"].split("|") if key["kind"] == "choice" else []
        for key in tables.keys()
    }


def kind_of(option):
    """What follows an option: "" where it is a switch."""
    if not option.get("argument"):
        return ""
    named = {"--policy": "policy", "--options": "keys"}.get(option["name"])
    return named or ("file" if option["argument"] == "FILE" else "text")


def names(option):
    return [name for name in (option["name"], option.get("n")) if name]


BASH = r"""
# WORDS, for the last entry of a comma-separated VALUE. What bash replaces begins behind the last
# '=' or ':' of it.
_forkpolicy_entries() {
    local words=$1 piece=${2##*[=:]} before=""
    [[ $piece == *,* ]] && before=${piece%,*},
    mapfile -t COMPREPLY < <(compgen -P "$before" -W "$words" -- "${piece##*,}")
}

_forkpolicy_value() {
    local kind=$1 value=$2 entry=${2##*,}
    case $kind in
    policy) [[ $entry == *:* ]] || _forkpolicy_entries "@ACTIONS@" "$value" ;;
    keys)
        case $entry in
@VALUES@
        *)
            _forkpolicy_entries "@KEYS@" "$value"
            compopt -o nospace
            ;;
        esac
        ;;
    file) _forkpolicy_files "$value" ;;
    esac
}

_forkpolicy_files() {
    local files
    mapfile -t files < <(compgen -f -- "$1")
    COMPREPLY+=("${files[@]}")
    compopt -o filenames
}

# What follows an option of a verb; nothing where it is a switch.
_forkpolicy_kind() {
    case "$1 $2" in
@KINDS@
    esac
}

_forkpolicy() {
    local words last current verb options takes at=2 kind
    COMPREPLY=()
    # Not COMP_WORDS, which are split at '=' and ':', too.
    read -ra words <<< "${COMP_LINE:0:COMP_POINT}"
    [[ ${COMP_LINE:0:COMP_POINT} == *[[:blank:]] ]] && words+=("")
    last=$((${#words[@]} - 1)) current=${words[${#words[@]} - 1]} verb=${words[1]}
    if ((last == 1)); then
        mapfile -t COMPREPLY < <(compgen -W "@VERBS@ --help --version" -- "$current")
        return
    fi
    case $verb in
@TAKES@
    *) return ;;
    esac

    while ((at < last)) && [[ ${words[at]} == -* ]]; do
        if [[ ${words[at++]} == -- ]]; then
            break
        fi
        kind=$(_forkpolicy_kind "$verb" "${words[at - 1]}")
        if [[ -n $kind ]] && ((at++ == last)); then
            _forkpolicy_value "$kind" "$current"
            return
        fi
    done
    if ((at == last)) && [[ $current == -* && ${words[at - 1]} != -- ]]; then
        kind=$(_forkpolicy_kind "$verb" "${current%%=*}")
        if [[ $current == *=* ]]; then
            _forkpolicy_value "$kind" "${current#*=}"
        else
            mapfile -t COMPREPLY < <(compgen -W "$options --help" -- "$current")
        fi
    elif [[ $takes == *COMMAND* ]] && ((at < last)); then
        if declare -F _command_offset > /dev/null; then
            _command_offset "$at"
        else
            _forkpolicy_files "$current"
        fi
    elif [[ $takes == *COMMAND* || $takes == *PROGRAM* ]]; then
        mapfile -t COMPREPLY < <(compgen -c -- "$current")
    else
        if [[ $takes == *PID* ]]; then
            mapfile -t COMPREPLY < <(cd /proc && compgen -W "$(echo [0-9]*)" -- "$current")
        fi
        [[ $takes == *LOG* || $takes == *FILE* ]] && _forkpolicy_files "$current"
    fi
}

complete -F _forkpolicy forkpolicy
"""


def bash():
    keys = []
    for key, words in values().items():
        keys.append(f"        {key}=*) _forkpolicy_entries {quote(' '.join(words))} \"$value\" ;;")
    takes, kinds = [], []
    for verb in tables.verbs():
        options = " ".join(name for option in verb["options"] for name in names(option))
        words = " ".join(sorted(verb["takes"]))
        takes.append(f"    {verb['name']}) options={quote(options)} takes={quote(words)} ;;")
        for option in verb["options"]:
            if kind_of(option):
                patterns = " | ".join(f'"{verb["name"]} {name}"' for name in names(option))
                kinds.append(f"    {patterns}) echo {kind_of(option)} ;;")
    blocks = {
        "VALUES": "\n".join(keys),
        "KEYS": " ".join(key + "=" for key in values()),
        "VERBS": " ".join(verb["name"] for verb in tables.verbs()),
        "TAKES": "\n".join(takes),
        "KINDS": "\n".join(kinds),
        "ACTIONS": " ".join(action["name"] for action in tables.actions()),
    }
    return HEAD + fill(BASH, blocks)


def fill(text, blocks):
    for name, block in blocks.items():
        text = text.replace(f"@{name}@", block)
    return text


def quote(text):
    return shlex.quote(text) if text else "''"


def zsh_quote(text, special):
    """A text within single quotes, where these characters mean something."""
    for character in "\\" + special:
        text = text.replace(character, "\\" + character)
    return text.replace("'", "'\\''")


ZSH = r"""
_forkpolicy_policy() {
    local -a actions=(
@ACTIONS@
    )
    compset -P '*,'
    _describe -t actions action actions -qS ','
}

_forkpolicy_keys() {
    compset -P '*,'
    if compset -P '*='; then
        case ${IPREFIX##*,} in
@VALUES@
        esac
        return
    fi
    local -a keys=(
@KEYS@
    )
    _describe -t keys key keys -qS '='
}

_forkpolicy() {
    local curcontext=$curcontext state line
    local -a verbs=(
@VERBS@
    )
    _arguments -C '(- *)--help[what there is]' '(- *)--version[its version]' \
        '1: :->verb' '*:: :->rest'
    case $state in
    verb) _describe -t verbs verb verbs ;;
    rest)
        case $line[1] in
@RESTS@
        esac
        ;;
    esac
}

_forkpolicy "$@"
"""

ZSH_KINDS = {"policy": ":policy:_forkpolicy_policy", "keys": ":option:_forkpolicy_keys"}
ZSH_KINDS.update(file=":file:_files", text=":text: ")
ZSH_KINDS[""] = ""


def zsh_rest(verb):
    words = []
    for option in verb["options"]:
        equals = "=" if kind_of(option) and option["name"].startswith("--") else ""
        for name in names(option):
            mark = equals if name.startswith("--") else ("+" if equals else "")
            words.append(
                f"'{name}{mark}[{zsh_quote(option['help'], '[]')}]{ZSH_KINDS[kind_of(option)]}'"
            )
    takes = verb["takes"]
    if "COMMAND" in takes:
        words += ["'(-)1:command: _command_names -e'", "'*:: : _normal'"]
    elif "PROGRAM" in takes:
        words.append("'1:program: _command_names -e'")
    elif takes == {"PID"}:
        words.append("'1:process: _pids'")
    elif "PID" in takes:
        words.append('\'1:process or log: _alternative "pids:process:_pids" "files:log:_files"\'')
    elif takes & {"LOG", "FILE"}:
        words.append("'*:log:_files'")
    lines = (
        " \\\n                ".join(["_arguments -S", *words])
        if words
        else "_message 'nothing follows'"
    )
    return f"        {verb['name']})\n            {lines}\n            ;;"


def zsh():
    blocks = {
        "ACTIONS": "\n".join(
            f"        '{each['name']}:{zsh_quote(each['help'], ':')}'" for each in tables.actions()
        ),
        "VALUES": "\n".join(
            f"        {key}=) compadd -qS , -- {' '.join(words)} ;;"
            for key, words in values().items()
            if words
        ),
        "KEYS": "\n".join(
            f"        '{key['key']}:{zsh_quote(key['help'], ':')}'" for key in tables.keys()
        ),
        "VERBS": "\n".join(
            f"        '{each['name']}:{zsh_quote(each['help'], ':')}'" for each in tables.verbs()
        ),
        "RESTS": "\n".join(zsh_rest(verb) for verb in tables.verbs()),
    }
    return "#compdef forkpolicy\n" + HEAD + fill(ZSH, blocks)


FISH = r"""
# The entries of a comma-separated list: what is there, with each word behind it.
function __forkpolicy_entries
    set -l before (string replace -r '[^,]*$' '' -- (commandline -ct | string replace -r '^--?[a-z-]+=' ''))
    for word in $argv
        echo $before$word
    end
end

function __forkpolicy_is
    set -l words (commandline -opc)
    test (count $words) -ge 2; and test $words[2] = $argv[1]
end

# The index of the command that `run` is to run, among the words before the current one.
function __forkpolicy_command_is_given
    set -l words (commandline -opc)[3..]
    while set -q words[1]
        switch $words[1]
            case --
                return 0
            case @WITH_ARGUMENT@
                set -e words[1]
            case '-*'
            case '*'
                return 0
        end
        set -e words[1]
    end
    return 1
end

complete -c forkpolicy -f
"""


def fish():
    (run,) = [verb for verb in tables.verbs() if verb["name"] == "run"]
    with_argument = " ".join(option["name"] for option in run["options"] if kind_of(option))
    lines = [fill(FISH, {"WITH_ARGUMENT": with_argument}).rstrip("\n")]
    start = "complete -c forkpolicy -n 'test (count (commandline -opc)) -eq 1'"
    for verb in tables.verbs():
        lines.append(f"{start} -a {verb['name']} -d {fish_quote(verb['help'])}")
    lines += [f"{start} -l help", f"{start} -l version"]
    actions = " ".join(each["name"] for each in tables.actions())
    keys = " ".join(key + "=" + word for key, words in values().items() for word in words or [""])
    given = {
        "policy": f" -xa '(__forkpolicy_entries {actions})'",
        "keys": f" -xa '(__forkpolicy_entries {keys})'",
        "file": " -rF",
        "text": " -x",
        "": "",
    }
    for verb in tables.verbs():
        is_verb = f"__forkpolicy_is {verb['name']}"
        for option in verb["options"]:
            short = f" -s {option['n'][1:]}" if option.get("n") else ""
            line = f"complete -c forkpolicy -n '{is_verb}'{short} -l {option['name'][2:]}"
            help = f" -d {fish_quote(option['help'])}" if option["help"] else ""
            lines.append(line + given[kind_of(option)] + help)
        takes = verb["takes"]
        if "COMMAND" in takes:
            given_yet = f"{is_verb}; and not __forkpolicy_command_is_given"
            lines.append(f"complete -c forkpolicy -n '{given_yet}' -a '(__fish_complete_command)'")
            given_yet = f"{is_verb}; and __forkpolicy_command_is_given"
            lines.append(f"complete -c forkpolicy -n '{given_yet}' -F")
        elif "PROGRAM" in takes:
            lines.append(f"complete -c forkpolicy -n '{is_verb}' -a '(__fish_complete_command)'")
        if "PID" in takes:
            lines.append(f"complete -c forkpolicy -n '{is_verb}' -a '(__fish_complete_pids)'")
        if takes & {"LOG", "FILE"}:
            lines.append(f"complete -c forkpolicy -n '{is_verb}' -F")
    return HEAD + "\n".join(lines) + "\n"


def fish_quote(text):
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


if __name__ == "__main__":
    sys.stdout.write({"bash": bash, "zsh": zsh, "fish": fish}[sys.argv[1]]())
