/* A malloc that starts a thread in its first call, as allocators with background threads do.
   SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ARENA = 64 << 20, HEADER = 16 };

static char *arena;
static size_t used;
static int started;

static void *sleep_for_ever(void *unused)
{
    for (;;)
        pause();
    return unused;
}

void *malloc(size_t size)
{
    pthread_t thread;
    if (!__atomic_load_n(&arena, __ATOMIC_ACQUIRE))
        __atomic_store_n(&arena,
                         mmap(NULL, ARENA, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0),
                         __ATOMIC_RELEASE);
    if (!__atomic_exchange_n(&started, 1, __ATOMIC_SEQ_CST))
        pthread_create(&thread, NULL, sleep_for_ever, NULL);
    size_t whole = (size + HEADER + 15) & ~(size_t)15;
    size_t at = __atomic_fetch_add(&used, whole, __ATOMIC_SEQ_CST);
    if (size > ARENA || at + whole > ARENA) {
        errno = ENOMEM;
        return NULL;
    }
    *(size_t *)(arena + at) = size;
    return arena + at + HEADER;
}

void free(void *memory)
{
    (void)memory;
}

void *calloc(size_t count, size_t size)
{
    return count && size > SIZE_MAX / count ? NULL : malloc(count * size); /* never used before */
}

void *realloc(void *memory, size_t size)
{
    void *larger = malloc(size);
    if (memory && larger) {
        size_t before = *(size_t *)((char *)memory - HEADER);
        memcpy(larger, memory, before < size ? before : size);
    }
    return larger;
}
