# SPDX-License-Identifier: Apache-2.0
"""served:app, for gunicorn --preload: what the arbiter has made hangs in its workers, where a path asks for it.

/ answers with the worker's pid.
"""

import ctypes
import os

from posthog import Posthog

client = Posthog("phc_key", host="http://127.0.0.1:9")
library = ctypes.CDLL(os.environ["FOREIGN_LIBRARY"])
library.foreign_hold()


def flush():
    """The thread that would send it is the arbiter's."""
    client.capture("seen", distinct_id="one")
    client.flush()


def ask():
    """A thread of the arbiter's has the lock."""
    library.foreign_ask()


def app(environ, start_response):
    {"/flush": flush, "/ask": ask}.get(environ["PATH_INFO"], int)()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(os.getpid()).encode()]
