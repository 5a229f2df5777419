# SPDX-License-Identifier: Apache-2.0
"""SQL expressions over batches of columns: parsed by sqlglot, evaluated by pyarrow.

What is here agrees with the library's own evaluator (docs/sql.md) where both take an expression.
`compiled` raises NotHere for one that is not, and so may the evaluation: of integers beyond 64
bits, and the like.
"""

from .compiled import Compiled, compiled, is_there
from .values import NotHere

__all__ = ["Compiled", "NotHere", "compiled", "is_there"]
