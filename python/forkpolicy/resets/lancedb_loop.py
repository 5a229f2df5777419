# SPDX-License-Identifier: Apache-2.0
"""lancedb: the loop that its synchronous API runs on, where lancedb does not start it again itself.

lancedb starts that loop in a thread as soon as it is imported, so that even a child that is the
first to use lancedb hangs (lance-format/lance#2405; lancedb 0.30.2). Since 0.32 lancedb resets it
by itself: it is left alone.

What remains: once lancedb was used, the threads of its Rust runtime are lost as well, and nothing
in Python brings them back. The loop alone would only hide from others that the child hangs: it is
left lost, and said to be.
"""

import functools
import os

from . import asyncio_loop, common

NAME = "lancedb-loop"
NATIVE = ("tokio", "lance")  # how the threads of its runtime are called


def find(lost, wants):
    """See the driver. Takes lancedb's loop, wanted or not."""
    module = common.imported("lancedb.background_loop")
    background = getattr(module, "LOOP", None)
    lost_loop = lost.loops.pop(id(getattr(background, "loop", None)), None)
    if lost_loop and wants(NAME):
        yield NAME, functools.partial(_reset, background, lost_loop, _native_threads(), lost)


def _reset(background, lost_loop, native_threads, lost):
    if background.loop is not lost_loop.loop:
        return  # lancedb has a new one already
    if native_threads:
        raise RuntimeError("lancedb's Rust runtime ran before the fork, and is lost with its loop")
    asyncio_loop.reset(lost_loop, lost)


def _native_threads():
    """Whether threads run that may be those of lancedb's runtime; other libraries use tokio, too.

    Linux alone tells; elsewhere there are taken to be none.
    """
    try:
        for thread in os.listdir("/proc/self/task"):
            with open(f"/proc/self/task/{thread}/comm") as file:
                if file.read().startswith(NATIVE):
                    return True
    except OSError:
        pass
    return False
