# SPDX-License-Identifier: Apache-2.0
"""SQL expressions parsed by sqlglot, in the dialect of docs/sql.md."""

import logging

import sqlglot
from sqlglot import exp
from sqlglot.dialects import DuckDB
from sqlglot.tokens import TokenType

from .values import NotHere

NO_POWERS = {TokenType.CARET, TokenType.DSTAR}  # other engines mean other things by them
DEEP = 150  # levels of a tree, which the evaluator walks by recursion

logging.getLogger("sqlglot").addFilter(lambda record: False)  # what it does not know is NotHere


class Dialect(DuckDB):
    class Tokenizer(DuckDB.Tokenizer):
        IDENTIFIERS = ['"', "`"]
        HEX_STRINGS = [("x'", "'"), ("X'", "'")]
        COMMENTS = []


def parsed(sql):
    try:
        tokens = sqlglot.tokenize(sql, dialect=Dialect)
        if any(token.token_type in NO_POWERS for token in tokens):
            raise NotHere("an operator for powers")
        found = sqlglot.parse(sql, dialect=Dialect)
    except (sqlglot.errors.SqlglotError, RecursionError, ValueError) as error:
        raise NotHere(str(error)) from error
    if len(found) != 1 or found[0] is None:
        raise NotHere("one expression is needed")
    if _depth(found[0]) > DEEP:
        raise NotHere("a tree too deep")
    return found[0]


def _depth(tree):
    level, depth = [tree], 0
    while level:
        depth += 1
        level = [child for node in level for child in node.iter_expressions()]
    return depth


def conjuncts(tree):
    """The parts of an AND."""
    while isinstance(tree, exp.Paren):
        tree = tree.this
    if isinstance(tree, exp.And):
        return [*conjuncts(tree.this), *conjuncts(tree.expression)]
    return [tree]
