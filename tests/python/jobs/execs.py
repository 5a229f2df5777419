# SPDX-License-Identifier: Apache-2.0
"""execs.py CASE: starts another program, in one of Python's ways, with a lost runtime alive."""

import asyncio
import multiprocessing
import os
import platform
import pty
import pwd
import subprocess
import sys

import libraries

ECHO = ["echo", "hello"]


def show(process):
    print(process.returncode, process.stdout)


def run(command=ECHO, **settings):
    show(subprocess.run(command, stdout=subprocess.PIPE, **settings))


def subprocess_run():
    run()


def subprocess_shell():
    run("echo hello | cat", shell=True)


def subprocess_cwd():
    run(["pwd"], cwd="/")


def subprocess_session():
    run(start_new_session=True)


def subprocess_preexec():
    run(preexec_fn=os.getpid)


def subprocess_keeps_fds():
    run(close_fds=False)


def subprocess_user():
    run(["id", "-un"], user=pwd.getpwuid(os.getuid()).pw_name if os.getuid() else "nobody")


def subprocess_popen():
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        print(process.communicate(b"hello"))


def subprocess_not_found():
    try:
        run(["/no/such/program"])
    except FileNotFoundError as error:
        print(error)


def os_spawnv():
    print(os.spawnv(os.P_WAIT, "/bin/sh", ["sh", "-c", "exit 3"]))


def os_spawnvpe():
    pid = os.spawnvpe(os.P_NOWAIT, "sh", ["sh", "-c", "exit $CODE"], dict(os.environ, CODE="4"))
    print(os.WEXITSTATUS(os.waitpid(pid, 0)[1]))


def pty_spawn():
    print(pty.spawn(ECHO))


def os_system():
    print(os.system("exit 5"))


def os_popen():
    with os.popen("echo hello") as pipe:
        print(pipe.read())


def os_posix_spawn():
    pid = os.posix_spawn("/bin/sh", ["sh", "-c", "exit 6"], os.environ)
    print(os.WEXITSTATUS(os.waitpid(pid, 0)[1]))


def asyncio_exec():
    async def main():
        process = await asyncio.create_subprocess_exec(*ECHO, stdout=asyncio.subprocess.PIPE)
        print(await process.communicate(), process.returncode)

    asyncio.run(main())


def asyncio_shell():
    async def main():
        process = await asyncio.create_subprocess_shell("exit 7")
        print(await process.wait())

    asyncio.run(main())


def platform_processor():
    print(bool(platform.uname()), platform.processor())


def find_library():
    import ctypes.util

    print(ctypes.util.find_library("m"))


def start_method(name):
    context = multiprocessing.get_context(name)
    process = context.Process(target=print, args=["hello"])
    process.start()
    process.join()
    print(process.exitcode)
    with context.Pool(2) as pool:
        print(pool.map(int, "12"))


def multiprocessing_spawn():
    start_method("spawn")


def multiprocessing_forkserver():
    start_method("forkserver")


if __name__ == "__main__":
    again = libraries.use("polars")
    globals()[sys.argv[1]]()
    print(again())
