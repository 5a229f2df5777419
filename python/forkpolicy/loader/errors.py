# SPDX-License-Identifier: Apache-2.0
"""Exceptions on their way to another process."""

import pickle


def picklable(error):
    """The exception itself, or a RuntimeError with its text where it does not live through pickling."""
    try:
        pickle.loads(pickle.dumps(error))
        return error
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
