# Also compiled into the shim, which makes the class where this package is not installed: it must
# stand alone and run on every Python since 3.6.
class ForkPolicyError(RuntimeError):
    """A fork that the policy refused, raised at the line that asked for it.

    The message names the runtimes whose threads the child would lose, and what to do instead.
    """

    __module__ = "forkpolicy"

    def __reduce__(self):
        # A process without the package can still read the error, as a RuntimeError.
        try:
            from forkpolicy import ForkPolicyError as kind
        except ImportError:
            kind = RuntimeError
        return kind, self.args
