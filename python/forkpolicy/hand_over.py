# Compiled into the shim: it must stand alone and run on every Python since 3.6.
def hand_over(kind, message):
    """Sends ``kind(message)`` as the result of the Pool task that this thread runs.

    ``multiprocessing.pool`` replaces a worker that has ended, but never answers the task that it
    had taken: whoever waits for the result waits for ever. The worker's own loop is on this
    thread's stack, with the task's numbers and the function that sends results.

    Returns 1 if this thread runs such a task and the result was sent, else 0. With no message it
    only says whether it runs one.
    """
    import sys

    pools = ("multiprocessing/pool.py", "multiprocess/pool.py")  # the latter is datasets' and pathos's
    frame = sys._getframe()
    while frame is not None:
        code = frame.f_code
        names = frame.f_locals if code.co_name == "worker" else {}
        if code.co_filename.endswith(pools) and names.get("job") is not None:
            if message is not None:
                names["put"]((names["job"], names["i"], (False, kind(message))))
            return 1
        frame = frame.f_back
    return 0
