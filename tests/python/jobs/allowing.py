# SPDX-License-Identifier: Apache-2.0
"""allowing.py: forks within forkpolicy.allow and outside of it, with a thread that a policy file calls
lost. Says of each fork whether it came."""

import os
import threading

import forkpolicy

threading.Thread(target=threading.Event().wait, name="idle", daemon=True).start()


def fork():
    try:
        pid = os.fork()
    except forkpolicy.ForkPolicyError:
        return "refused"
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return "forked"


@forkpolicy.allow("ours", reason="a decorated function")
def decorated(deep=1):
    return decorated(deep - 1) if deep else fork()


def in_thread(function):
    answers = []
    thread = threading.Thread(target=lambda: answers.append(function()))
    thread.start()
    thread.join()
    return answers[0]


print("outside", fork())
with forkpolicy.allow("ours", reason="a block"):
    print("within", fork())
    with forkpolicy.allow("other"):
        print("nested", fork())
    print("thread", in_thread(fork))
print("behind", fork())
print("decorated", decorated(), fork())
with forkpolicy.allow("other", f"ours@{os.path.basename(__file__)}:fork"):
    print("place", fork())
with forkpolicy.allow("ours@elsewhere.py"):
    print("elsewhere", fork())
try:
    with forkpolicy.allow("ours"):
        raise KeyError
except KeyError:
    print("raised", fork())

first, second = forkpolicy.allow("ours"), forkpolicy.allow("other")
first.__enter__()
second.__enter__()
first.__exit__(None, None, None)
print("first ended", fork())
second.__exit__(None, None, None)


def error(function):
    try:
        function()
    except Exception as error:
        return type(error).__name__
    return "none"


def enter(*runtimes, **named):
    with forkpolicy.allow(*runtimes, **named):
        pass


async def later():
    pass


print("no runtime", error(lambda: enter()))
print("no string", error(lambda: enter(7)))
print("coroutine", error(lambda: forkpolicy.allow("x")(later)))
print("pattern", error(lambda: enter("fine", "a[b")))
print("comma", error(lambda: enter("a,b")))
print("nul", error(lambda: enter("a\0b")))
print("reason", error(lambda: enter("a", reason="two\nlines")))
print("much", error(lambda: enter("a", reason="x" * 2000)))
stranger = forkpolicy.allow("ours")
in_thread(stranger.__enter__)
print("other thread", error(lambda: stranger.__exit__(None, None, None)))
