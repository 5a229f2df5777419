#!/bin/sh
# The rooms of docs/design.md: who may include whom, and what each may touch.
# SPDX-License-Identifier: Apache-2.0
set -u
bad=0

# expect_none NAME PATTERN FILES...: no line of these files may match.
expect_none() {
    name=$1
    pattern=$2
    shift 2
    if found=$(grep -nE "$pattern" "$@" /dev/null | grep -vE ':[0-9]+: (\* |/\*)'); then
        printf 'rooms: %s\n%s\n' "$name" "$found" >&2
        bad=1
    fi
}

expect_none "policy/ includes policy/ alone" '#include "(shim|cli|common|loader)/' policy/*.[ch]
expect_none "policy/ is pure" '\b(malloc|calloc|free|getenv|open|read|write|dlsym|pthread_[a-z]+|printf|errno)\(' policy/*.[ch]
expect_none "common/ serves guest and host" '#include "(shim|cli)/' common/*.[ch]
expect_none "the guest neither allocates nor uses stdio" '\b(malloc|calloc|realloc|free|strdup|[a-z]*printf|fopen|opendir|qsort)\(' shim/*.[ch] common/*.[ch]
expect_none "the guest takes no locks but the host's" '\bpthread_mutex_[a-z]+\(' $(ls shim/*.c common/*.[ch] | grep -v 'shim/waits\.c')
expect_none "the guest includes no host" '#include "cli/' shim/*.[ch]
expect_none "the amplifier stands alone" '#include "(shim|policy|common|cli)/' amplify/*
expect_none "the host speaks to the shim through the environment" '#include "shim/' cli/*.[ch] cli/*/*.[ch]
expect_none "only python*.c know CPython" '\bPy[A-Z][A-Za-z]*_' $(ls shim/*.[ch] policy/*.[ch] common/*.[ch] cli/*.[ch] cli/*/*.[ch] | grep -v -e 'shim/python[a-z_]*\.c' -e 'cli/explain/judge\.c')
expect_none "only thunk.c knows libffi" '<ffi\.h>' $(ls shim/*.[ch] policy/*.[ch] common/*.[ch] | grep -v shim/thunk.c)
expect_none "secure_getenv everywhere" '[^_]getenv\(' shim/*.[ch] common/*.[ch]

# The child room, and what it calls, may use nothing but these.
allowed='^(__errno_location|syscall|clock_gettime|getppid|mprotect|strcmp|fp_reset_has|fp_registered_child|fp_policy_can_reset|fp_config|fp_epoll_unshare|fp_sockets_is_severed|fp_sockets_inherit|fp_stacks_child|fp_file_read|fp_folder_each|fp_text_.*|open|read|close|readlinkat|fstat|fcntl|dup3|epoll_create1|epoll_ctl|getpid|memchr|memcmp|memmove|strlen|strstr|gnu_dev_.*|fp_self|fp_runtime.*|fp_table.*|fp_child.*|fp_libc_single_threaded|_GLOBAL_OFFSET_TABLE_|fp_hang_child|fp_dispatch_arm|fp_got|fp_got_patch|fp_got_child|fp_watch_child|fp_lost_.*|fp_watched_.*|fp_used_.*)$'
for object in child table lost patch epoll; do
    if ! calls=$(nm -u "${BUILD:-build}/obj/shim/$object.o"); then
        bad=1
    elif found=$(printf '%s\n' "$calls" | awk '{print $2}' | grep -vE "$allowed"); then
        printf 'rooms: %s.o runs in the child and calls\n%s\n' "$object" "$found" >&2
        bad=1
    fi
done

[ "$bad" = 0 ] && echo "rooms: every file keeps to its room"
exit "$bad"
