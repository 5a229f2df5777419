/*
 * Calls that libc or the kernel answers at once with an error: nobody waits, whoever else is there.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "guest.h"

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static sem_t never;

static void *wait_for_ever(void *unused)
{
    wait_for(&never);
    return unused;
}

/* A second thread, asleep for ever. */
static void have_company(void)
{
    must(sem_init(&never, 0, 0) == 0, "sem_init");
    start(wait_for_ever, NULL);
    rest(50);
}

CHILD(read_lock_by_its_writer)
{
    must(pthread_rwlock_wrlock(&lock) == 0, "pthread_rwlock_wrlock");
    must(pthread_rwlock_rdlock(&lock) == EDEADLK, "EDEADLK");
}

CHILD(write_lock_by_its_writer)
{
    must(pthread_rwlock_wrlock(&lock) == 0, "pthread_rwlock_wrlock");
    must(pthread_rwlock_wrlock(&lock) == EDEADLK, "EDEADLK");
}

CHILD(write_lock_by_its_writer_in_company)
{
    have_company();
    must(pthread_rwlock_wrlock(&lock) == 0, "pthread_rwlock_wrlock");
    must(pthread_rwlock_wrlock(&lock) == EDEADLK, "EDEADLK");
}

CHILD(join_of_oneself)
{
    must(pthread_join(pthread_self(), NULL) == EDEADLK, "EDEADLK");
}

CHILD(join_of_oneself_in_company)
{
    have_company();
    must(pthread_join(pthread_self(), NULL) == EDEADLK, "EDEADLK");
}

static void *detach_and_wait(void *unused)
{
    pthread_detach(pthread_self());
    return wait_for_ever(unused);
}

CHILD(join_of_a_detached_thread)
{
    must(sem_init(&never, 0, 0) == 0, "sem_init");
    pthread_t thread = start(detach_and_wait, NULL);
    rest(50);
    must(pthread_join(thread, NULL) == EINVAL, "EINVAL");
}

static void expect(long result, int error, const char *what)
{
    must(result == -1 && errno == error, what);
}

CHILD(futex_for_no_bit)
{
    int word = 0;
    expect(syscall(SYS_futex, &word, FUTEX_WAIT_BITSET_PRIVATE, 0, NULL, NULL, 0), EINVAL,
           "EINVAL");
}

CHILD(futex_for_no_bit_in_company)
{
    int word = 0;
    have_company();
    expect(syscall(SYS_futex, &word, FUTEX_WAIT_BITSET_PRIVATE, 0, NULL, NULL, 0), EINVAL,
           "EINVAL");
}

CHILD(futex_at_an_odd_address)
{
    static char bytes[16] __attribute__((aligned(8)));
    expect(futex(bytes + 1, FUTEX_WAIT_PRIVATE, 0), EINVAL, "EINVAL");
}

CHILD(futex_at_null)
{
    expect(futex(NULL, FUTEX_WAIT_PRIVATE, 0), EFAULT, "EFAULT");
}

CHILD(futex_at_an_unmapped_page)
{
    char *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    must(page != MAP_FAILED && munmap(page, 4096) == 0, "mmap");
    expect(futex(page, FUTEX_WAIT_PRIVATE, 0), EFAULT, "EFAULT");
}

CHILD(futex_at_a_page_without_access)
{
    char *page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    must(page != MAP_FAILED, "mmap");
    expect(futex(page, FUTEX_WAIT, 0), EFAULT, "EFAULT");
}

CHILD(futex_with_an_unknown_flag)
{
    int word = 0;
    expect(futex(&word, FUTEX_WAIT_PRIVATE | 0x4000, 0), ENOSYS, "ENOSYS");
}

CHILD(condition_without_its_mutex)
{
    static pthread_mutex_t mutex = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
    static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
    must(pthread_cond_wait(&condition, &mutex) == EPERM, "EPERM");
}
