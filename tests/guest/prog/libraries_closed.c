/*
 * Libraries come and go while a process forks: nobody may write to where one was.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "guest.h"

#include <dlfcn.h>
#include <link.h>

static int stop;

static void *open_and_close(void *unused)
{
    while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST)) {
        void *library = dlopen("libplug.so", RTLD_NOW);
        must(library != NULL, "dlopen");
        usleep(300);
        dlclose(library);
        usleep(300);
    }
    return unused;
}

/* An atfork handler that takes its time, as those of BLAS libraries do. */
static void take_a_while(void)
{
    usleep(1000);
}

static int fork_often(int times)
{
    int bad = 0;
    for (int i = 0; i < times; i++) {
        pid_t child = fork();
        if (child == 0)
            _exit(0);
        bad += end_in_time(child) != 0;
    }
    return bad;
}

static int fork_beside(void *(*routine)(void *))
{
    pthread_t thread = start(routine, NULL);
    int bad = fork_often(120);
    __atomic_store_n(&stop, 1, __ATOMIC_SEQ_CST);
    pthread_join(thread, NULL);
    say("%d children ended badly\n", bad);
    return bad != 0;
}

SCENARIO(closed_at_a_fork)
{
    return fork_beside(open_and_close);
}

SCENARIO(closed_during_a_slow_handler)
{
    pthread_atfork(take_a_while, NULL, NULL);
    return fork_beside(open_and_close);
}

static void close_and_put_in_place(void)
{
    void *library = dlopen("libplug.so", RTLD_NOW);
    must(library != NULL && dlclose(library) == 0, "dlclose");
    void *other = dlopen("libtable.so", RTLD_NOW);
    int (*is_whole)(void);
    must(other != NULL, "dlopen");
    *(void **)&is_whole = dlsym(other, "table_is_whole");
    must(is_whole(), "the table of another library");
}

static void close_then_put_in_place(void *plug)
{
    int (*is_whole)(void);
    must(dlclose(plug) == 0, "dlclose");
    void *other = dlopen("libtable.so", RTLD_NOW);
    must(other != NULL, "dlopen");
    *(void **)&is_whole = dlsym(other, "table_is_whole");
    must(is_whole(), "the table of another library");
}

/* In the prepare handler, which runs after the shim has looked at the libraries. */
static void *closed_in_handler;
static void close_it(void)
{
    if (closed_in_handler)
        close_then_put_in_place(closed_in_handler);
    closed_in_handler = NULL;
}

static void check_the_table(void)
{
    int (*is_whole)(void);
    *(void **)&is_whole = dlsym(dlopen("libtable.so", RTLD_NOW), "table_is_whole");
    must(is_whole(), "the table of another library");
}

SCENARIO(another_one_in_its_place)
{
    start_sleeper();
    must((closed_in_handler = dlopen("libplug.so", RTLD_NOW)) != NULL, "dlopen");
    pthread_atfork(close_it, NULL, NULL);
    return run_in_child(check_the_table);
}

CHILD(another_one_in_its_place_in_the_child)
{
    close_and_put_in_place();
    close_and_put_in_place();
}

/* A thread is inside the loader's list when the main thread forks. */

static sem_t inside, forked;

static int wait_inside(struct dl_phdr_info *info, size_t size, void *unused)
{
    (void)info;
    (void)size;
    (void)unused;
    sem_post(&inside);
    wait_for(&forked);
    return 1;
}

static void *look_through(void *unused)
{
    dl_iterate_phdr(wait_inside, NULL);
    return unused;
}

static void end(void)
{
}

SCENARIO(forked_while_a_thread_looks_through_them)
{
    sem_init(&inside, 0, 0);
    sem_init(&forked, 0, 0);
    pthread_t thread = start(look_through, NULL);
    wait_for(&inside);
    int status = run_in_child(end);
    sem_post(&forked);
    pthread_join(thread, NULL);
    return status;
}

/* Two threads fork while a third one opens libraries. */

static int bad_children;

static void *fork_until_stopped(void *unused)
{
    while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST))
        __atomic_fetch_add(&bad_children, fork_often(1), __ATOMIC_SEQ_CST);
    return unused;
}

SCENARIO(two_fork_while_one_opens)
{
    pthread_t threads[] = {start(open_and_close, NULL), start(fork_until_stopped, NULL),
                           start(fork_until_stopped, NULL)};
    rest(1500);
    __atomic_store_n(&stop, 1, __ATOMIC_SEQ_CST);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    say("%d children ended badly\n", bad_children);
    return bad_children != 0;
}
