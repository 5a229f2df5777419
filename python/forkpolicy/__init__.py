"""forkpolicy: what a forked child loses, and what to do about it.

The work is done by ``libforkpolicy.so``, preloaded under an unmodified job by ``forkpolicy run``.
This package holds the exception that a refused fork raises, and ``allow`` for forks that may lose
what they lose.
"""

try:
    from _forkpolicy import ForkPolicyError  # made by the shim before this package was imported
except ImportError:
    from .error import ForkPolicyError

from .allowing import allow
from .words import VERSION as __version__

__all__ = ["ForkPolicyError", "__version__", "allow"]
