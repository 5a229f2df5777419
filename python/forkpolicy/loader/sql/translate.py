# SPDX-License-Identifier: Apache-2.0
"""From sqlglot's tree of an expression to a Value: which node is which function.

A node whose arguments are not all understood is NotHere: nothing is left out in silence.
"""

import pyarrow
import pyarrow.compute as compute
from sqlglot import exp

from . import arithmetic, choice, lists, texts, times
from .calls import CALLS
from .compare import compare, is_distinct, is_in
from .source import column
from .values import BOOL, BYTES, INT, NotHere, Value, condition, constant, integer
from .values import is_expression, literal_of, nothing, null_condition, real, text, truth

COMPARED = {
    exp.LT: "lt", exp.LTE: "le", exp.GT: "gt", exp.GTE: "ge", exp.EQ: "eq", exp.NEQ: "ne",
}  # fmt: skip
OPERATORS = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.Mod: "%"}
LOGIC = {exp.And: compute.and_kleene, exp.Or: compute.or_kleene}
HARMLESS = {  # of sqlglot's own, for what it writes
    "typed", "safe", "coalesce", "big_int", "ignore_nulls", "single_replace", "value_constructor",
    "nested",
}  # fmt: skip


class Translator:
    def __init__(self, schema):
        self._schema = schema
        self.roots = set()  # the names of the columns that are read

    def value(self, node):
        make = MAKERS.get(type(node))
        if make is None:
            raise NotHere(f"no {type(node).__name__}")
        return make(self, node)

    def condition(self, node):
        found = self.value(node)
        if found.kind == "NULL":
            return null_condition()
        if found.kind != BOOL:
            raise NotHere(f"a condition is needed, and this is {found.kind}")
        return found

    def arguments(self, node, *names):
        """The values of these arguments, None where one is missing; the node has no others."""
        known = {*names, *HARMLESS}
        for name, value in node.args.items():
            if name not in known and value not in (None, False, []):
                raise NotHere(f"{type(node).__name__} with {name}")
        found = [node.args.get(name) for name in names]
        return [None if part is None else self.value(part) for part in found]

    def two(self, node):
        return self.arguments(node, "this", "expression")


MAKERS = {}


def makes(*kinds):
    def note(function):
        for kind in kinds:
            MAKERS[kind] = function
        return function

    return note


@makes(exp.Column)
def _column(self, node):
    if any(not isinstance(part, exp.Identifier) for part in node.parts):
        raise NotHere("a star")
    return self_column(self, [part.name for part in node.parts])


@makes(exp.Dot)
def _dot(self, node):
    parts = node.parts
    if any(not isinstance(part, exp.Identifier) for part in parts):
        raise NotHere("a field of what is no column")
    return self_column(self, [part.name for part in parts])


def self_column(self, parts):
    found, root = column(self._schema, parts)
    self.roots.add(root)
    return found


@makes(exp.Paren)
def _paren(self, node):
    return self.arguments(node, "this")[0]


@makes(exp.Literal)
def _literal(self, node):
    if node.is_string:
        return text(node.this)
    if set(node.this) & set(".eE"):
        number = float(node.this)
        if number in (float("inf"), float("-inf")):
            raise NotHere("beyond what a double holds")
        return real(number)
    return integer(int(node.this))


@makes(exp.HexString)
def _hex(self, node):
    try:
        return constant(BYTES, bytes.fromhex(node.this), pyarrow.binary())
    except ValueError:
        raise NotHere("no hexadecimal digits") from None


@makes(exp.Boolean)
def _boolean(self, node):
    return truth(bool(node.this))


@makes(exp.Null)
def _null(self, node):
    return nothing()


@makes(*LOGIC)
def _logic(self, node):
    first, second = (self.condition(part) for part in (node.this, node.expression))
    function = LOGIC[type(node)]
    return condition(lambda columns: function(first.get(columns), second.get(columns)))


@makes(exp.Not)
def _not(self, node):
    return inverted(self.condition(node.this))


def inverted(value):
    def get(columns):
        found = value.get(columns)
        if is_expression(found):
            raise NotHere("NOT of what NaN may be in: statistics know of none")
        return compute.invert(found)

    return condition(get)


@makes(*COMPARED)
def _compared(self, node):
    return compare(COMPARED[type(node)], *self.two(node))


@makes(exp.NullSafeEQ, exp.NullSafeNEQ)
def _distinct(self, node):
    found = is_distinct(*self.two(node))
    return inverted(found) if isinstance(node, exp.NullSafeEQ) else found


@makes(exp.Is)
def _is(self, node):
    value, what = self.value(node.this), node.expression
    if isinstance(what, exp.Null):
        if value.is_literal:
            return truth(False)
        return condition(lambda columns: compute.is_null(value.get(columns)))
    if not isinstance(what, exp.Boolean) or value.kind not in (BOOL, "NULL"):
        raise NotHere("IS of something else")
    wanted = bool(what.this)
    if value.kind == "NULL":
        return truth(False)

    def get(columns):
        found = value.get(columns)
        return compute.coalesce(found if wanted else compute.invert(found), False)

    return condition(get)


@makes(exp.Between)
def _between(self, node):
    value, low, high = self.arguments(node, "this", "low", "high")
    first, second = compare("ge", value, low), compare("le", value, high)
    return condition(
        lambda columns: compute.and_kleene(first.get(columns), second.get(columns))
    )


@makes(exp.In)
def _in(self, node):
    if node.args.get("query") or node.args.get("unnest") or node.args.get("field"):
        raise NotHere("a query")
    if not node.expressions:
        raise NotHere("IN of nothing")
    return is_in(self.value(node.this), [self.value(part) for part in node.expressions])


@makes(exp.Like, exp.ILike, exp.Escape)
def _like(self, node):
    escape = None
    if isinstance(node, exp.Escape):
        escape = literal_of(self.value(node.expression), "TEXT", "an escape")
        if len(escape) != 1:
            raise NotHere("an escape of several characters")
        node = node.this
    if not isinstance(node, (exp.Like, exp.ILike)):
        raise NotHere("ESCAPE of something else")
    value, pattern, negate = self.value(node.this), node.expression, node.args.get("negate")
    self.arguments(node.__class__(this=node.this, expression=pattern), "this", "expression")
    found = texts.like(value, self.value(pattern), escape, isinstance(node, exp.ILike))
    return inverted(found) if negate else found


@makes(*OPERATORS)
def _arithmetic(self, node):
    op = OPERATORS[type(node)]
    if isinstance(node.expression, exp.Interval) and op in "+-":
        count, unit = interval(node.expression)
        return times.shifted(self.value(node.this), count, unit, 1 if op == "+" else -1)
    return arithmetic.arithmetic(op, *self.two(node))


def interval(node):
    if not isinstance(node.this, exp.Literal) or node.args.get("unit") is None:
        raise NotHere("an interval that is no literal")
    try:
        return int(node.this.this), node.args["unit"].name
    except ValueError:
        raise NotHere("an interval of parts") from None


@makes(exp.Neg)
def _negated(self, node):
    return arithmetic.negated(*self.arguments(node, "this"))


@makes(exp.BitwiseAnd, exp.BitwiseOr, exp.BitwiseXor)
def _bits(self, node):
    function = {
        exp.BitwiseAnd: compute.bit_wise_and, exp.BitwiseOr: compute.bit_wise_or,
        exp.BitwiseXor: compute.bit_wise_xor,
    }[type(node)]  # fmt: skip
    return arithmetic.bitwise(function, *self.two(node))


@makes(exp.DPipe)
def _pipe(self, node):
    return texts.joined(self.two(node), skip_nulls=False)


@makes(exp.Case)
def _case(self, node):
    operand = node.args.get("this")
    otherwise = node.args.get("default")
    pairs = []
    for branch in node.args["ifs"]:
        if operand is None:
            when = self.condition(branch.this)
        else:
            when = compare("eq", self.value(operand), self.value(branch.this))
        pairs.append((when, self.value(branch.args["true"])))
    return choice.case(pairs, nothing() if otherwise is None else self.value(otherwise))


@makes(exp.Cast, exp.TryCast)
def _cast(self, node):
    if isinstance(node, exp.TryCast):
        raise NotHere("TRY_CAST")
    return choice.cast(self.value(node.this), node.to)


@makes(exp.Bracket)
def _element(self, node):
    (place,) = node.expressions
    if isinstance(place, exp.Literal) and place.is_string and isinstance(node.this, exp.Column):
        return self_column(self, [part.name for part in node.this.parts] + [place.this])
    return lists.element(self.value(node.this), self.value(place))


@makes(exp.Anonymous)
def _anonymous(self, node):
    return _call(self, node.name.lower(), [self.value(part) for part in node.expressions])


def _call(self, name, values):
    if name not in CALLS:
        raise NotHere(f"there is no function {name}")
    try:
        return CALLS[name](*values)
    except TypeError as error:
        if "argument" not in str(error):
            raise
        raise NotHere(f"{name} takes other arguments") from None


def _of_args(name, *args):
    """A node of sqlglot's own class as a call by name."""

    def make(self, node):
        return _call(self, name, self.arguments(node, *args))

    return make


def _of_list(name):
    def make(self, node):
        parts = [node.this] if node.args.get("this") is not None else []
        return _call(self, name, [self.value(part) for part in [*parts, *node.expressions]])

    return make


for kind, name, *args in (
    (exp.Abs, "abs", "this"), (exp.Sqrt, "sqrt", "this"), (exp.Exp, "exp", "this"),
    (exp.Ln, "ln", "this"), (exp.Sign, "sign", "this"), (exp.Pow, "power", "this", "expression"),
    (exp.Round, "round", "this", "decimals"), (exp.Floor, "floor", "this"),
    (exp.Ceil, "ceil", "this"), (exp.IsNan, "isnan", "this"), (exp.Length, "length", "this"),
    (exp.Lower, "lower", "this"), (exp.Upper, "upper", "this"), (exp.Reverse, "reverse", "this"),
    (exp.StartsWith, "starts_with", "this", "expression"),
    (exp.EndsWith, "ends_with", "this", "expression"),
    (exp.Contains, "contains", "this", "expression"),
    (exp.RegexpLike, "regexp_like", "this", "expression", "flag"),
    (exp.RegexpReplace, "regexp_replace", "this", "expression", "replacement", "modifiers"),
    (exp.Replace, "replace", "this", "expression", "replacement"),
    (exp.StrPosition, "strpos", "this", "substr"),
    (exp.Substring, "substr", "this", "start", "length"),
    (exp.Left, "left", "this", "expression"),
    (exp.SplitPart, "split_part", "this", "delimiter", "part_index"),
    (exp.MD5, "md5", "this"), (exp.SHA, "sha1", "this"),
    (exp.Nullif, "nullif", "this", "expression"),
    (exp.ArrayContains, "array_has", "this", "expression"),
    (exp.ArraySize, "array_length", "this"),
    (exp.Year, "year", "this"), (exp.Month, "month", "this"), (exp.Day, "day", "this"),
    (exp.UnixToTime, "to_timestamp", "this"),
):  # fmt: skip
    MAKERS[kind] = _of_args(name, *args)
for kind, name in (
    (exp.Coalesce, "coalesce"), (exp.Concat, "concat"), (exp.Greatest, "greatest"),
    (exp.Least, "least"),
):  # fmt: skip
    MAKERS[kind] = _of_list(name)


@makes(exp.Trim)
def _trim(self, node):
    value, characters = self.two(exp.Trim(this=node.this, expression=node.expression))
    return texts.trimmed(value, characters, node.args.get("position"))


@makes(exp.Extract)
def _extract(self, node):
    return times.part(node.this.name, self.value(node.expression))


@makes(exp.TimestampTrunc, exp.DateTrunc)
def _truncated(self, node):
    return times.truncated(node.args["unit"].name, self.value(node.this))


@makes(exp.Array)
def _array(self, node):
    values = [self.value(part) for part in node.expressions]
    return Value("ARRAY", None, literal=values)


@makes(exp.ArrayContainsAll)
def _has_all(self, node):
    return _call(self, "array_has_all", self.two(node))


@makes(exp.ArrayOverlaps)
def _overlaps(self, node):
    return _call(self, "array_has_any", self.two(node))
