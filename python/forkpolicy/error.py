# Also compiled into the shim, which makes the class where this package is not installed: it must
# stand alone and run on every Python since 3.6.
import copyreg


class _ErrorKind(type):
    """Lets the class itself be pickled where no module holds it: torch sends it to the parent."""


class ForkPolicyError(RuntimeError, metaclass=_ErrorKind):
    """A fork that the policy refused, or a wait in a forked child that nobody can end.

    Raised at the line that asked for the fork, or that waits. The message names the runtimes whose
    threads the child would be, or is, without, and what to do instead.
    """

    __module__ = "forkpolicy"

    def __reduce__(self):
        return _installed() or RuntimeError, self.args


def _installed():
    """The package's class: a process without the package reads the error as a RuntimeError."""
    try:
        from forkpolicy import ForkPolicyError as kind
    except ImportError:
        kind = None
    return kind


def _reduce_kind(kind):
    return kind.__name__ if kind is _installed() else (type, (kind(),))


copyreg.pickle(_ErrorKind, _reduce_kind)
