/* See libc.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/carry/libc.h"

#include "shim/base/child_section.h"
#include "shim/libraries/loader_list.h"

#include <dlfcn.h>
#include <link.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { BLOCKS = 32, BLOCK_BYTES = 512 }; /* of thread-specific data: 32 pairs of words each */
enum { NOT_YET = 0x7ffffff0 };           /* the tid of a thread that is not dead, and has none */

struct node {
    struct node *next, *previous;
};

static struct {
    size_t bytes, tid, node, specific; /* of a descriptor, and where its members are */
    size_t runs;                       /* likewise: what the kernel clears when the thread ends */
    struct node *used;                 /* the list of threads on stacks of libc's own */
    int *count;                        /* of threads */
    ptrdiff_t rseq, arena;             /* from the descriptor; 0: there is none */
    void *(*allocate)(size_t);
    void (*release)(void *);
} libc;

/* {bits, elements, offset}, as debuggers are told; 0 where it is not so. */
static size_t offset_of(const char *name, uint32_t bits)
{
    const uint32_t *told = dlsym(RTLD_DEFAULT, name);
    return told && told[0] == bits && told[1] == 1 ? told[2] : 0;
}

static bool find_members(char *global)
{
    const uint32_t *size = dlsym(RTLD_DEFAULT, "_thread_db_sizeof_pthread");
    size_t used = offset_of("_thread_db_rtld_global__dl_stack_used", 8 * sizeof(struct node));
    libc.bytes = size && *size < 8192 ? *size : 0;
    libc.tid = offset_of("_thread_db_pthread_tid", 32);
    libc.node = offset_of("_thread_db_pthread_list", 8 * sizeof(struct node));
    libc.specific = offset_of("_thread_db_pthread_specific", 8 * BLOCKS * sizeof(void *));
    libc.used = (struct node *)(global + used);
    libc.count = dlsym(RTLD_DEFAULT, "__nptl_nthreads");
    return libc.bytes && libc.tid && libc.node && libc.specific && used && libc.count;
}

/* The tid, up to glibc 2.42; its joinstate from 2.43 on. A kernel without CONFIG_CHECKPOINT_RESTORE
   does not say. */
static bool find_what_is_cleared(long minor)
{
    char *address = NULL;
    if (prctl(PR_GET_TID_ADDRESS, &address) == 0)
        libc.runs = (size_t)(address - (char *)pthread_self());
    else
        libc.runs = minor <= 42 ? libc.tid : libc.bytes;
    return libc.runs < libc.bytes;
}

/* The main thread, which runs constructors, is the only one on the list of the others' stacks. */
static bool is_as_told(char *global)
{
    char *self = (char *)pthread_self();
    size_t user = offset_of("_thread_db_rtld_global__dl_stack_user", 8 * sizeof(struct node));
    struct node *list = (struct node *)(global + user), *own = (struct node *)(self + libc.node);
    return user && list->next == own && own->next == list && *libc.count == 1 &&
           *(int *)(self + libc.tid) == (int)syscall(SYS_gettid);
}

/* Of glibc 2; 0: another libc. */
static long minor_version(void)
{
    const char *(*version)(void);
    *(void **)&version = dlsym(RTLD_DEFAULT, "gnu_get_libc_version");
    const char *number = version ? version() : "";
    return strncmp(number, "2.", 2) == 0 ? strtol(number + 2, NULL, 10) : 0;
}

static bool has_shadow_stack(void)
{
    enum { SHADOW_STACK_STATUS = 0x5005 }; /* arch_prctl */
    unsigned long on = 0;
#ifdef SYS_arch_prctl
    syscall(SYS_arch_prctl, SHADOW_STACK_STATUS, &on);
#endif
    return on != 0;
}

static bool has_sanitizer(void)
{
    static const char *const STARTS[] = {"__asan_init", "__tsan_init", "__msan_init"};
    for (size_t i = 0; i < sizeof STARTS / sizeof *STARTS; i++)
        if (dlsym(RTLD_DEFAULT, STARTS[i]))
            return true;
    return false;
}

static void find_rseq(void)
{
    const ptrdiff_t *offset = dlsym(RTLD_DEFAULT, "__rseq_offset");
    const unsigned *size = dlsym(RTLD_DEFAULT, "__rseq_size");
    libc.rseq = offset && size && *size ? *offset : 0;
}

enum fp_uncarried fp_libc_init(void)
{
#ifndef __x86_64__
    return FP_UNCARRIED_PROCESSOR;
#endif
    char *global = dlsym(RTLD_DEFAULT, "_rtld_global");
    long minor = minor_version();
    if (minor < 34 || minor > 43 || !global || !find_members(global) || !is_as_told(global) ||
        !find_what_is_cleared(minor))
        return FP_UNCARRIED_LIBC;
    find_rseq();
    *(void **)&libc.allocate = dlsym(RTLD_DEFAULT, "__libc_malloc");
    *(void **)&libc.release = dlsym(RTLD_DEFAULT, "__libc_free");
    return has_shadow_stack() ? FP_UNCARRIED_SHADOW
           : has_sanitizer()  ? FP_UNCARRIED_SANITIZER
                              : FP_UNCARRIED_NONE;
}

/*
 * The arena of a thread is a word of libc's thread-local data that points into the beginning of a
 * heap of 64 MiB, which begins with the arena's address. It is found in a thread that has just
 * allocated from one of its own. That thread takes no lock of the loader's, which the one that
 * waits for it may have: a library can start its threads while it is being loaded.
 */
enum { HEAP_BYTES = 64 << 20, HEAP_HEAD = 256 };

static bool is_arena(uintptr_t word, uintptr_t allocated)
{
    uintptr_t heap = word & -(uintptr_t)HEAP_BYTES;
    return word && heap && heap == (allocated & -(uintptr_t)HEAP_BYTES) &&
           word - heap < HEAP_HEAD && *(uintptr_t *)heap == word;
}

struct tls {
    uintptr_t *words;
    size_t count;
};

static int find_tls(struct dl_phdr_info *info, size_t size, void *context)
{
    struct tls *tls = context;
    (void)size;
    const char *name = strrchr(info->dlpi_name, '/');
    if (!name || strcmp(name, "/libc.so.6") != 0)
        return 0;
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_TLS)
            *tls =
                (struct tls){info->dlpi_tls_data, info->dlpi_phdr[i].p_memsz / sizeof(uintptr_t)};
    return 1;
}

static void *look_for_arena(void *unused)
{
    struct tls tls = {NULL, 0};
    (void)unused;
    void *memory = libc.allocate && libc.release ? libc.allocate(100) : NULL;
    if (memory && fp_list_claim(FP_LIST_PATIENCE)) {
        fp_list_each(find_tls, &tls);
        fp_list_release();
    }
    for (size_t i = 0; tls.words && i < tls.count && !libc.arena; i++)
        if (is_arena(tls.words[i], (uintptr_t)memory))
            libc.arena = (char *)&tls.words[i] - (char *)pthread_self();
    if (memory)
        libc.release(memory);
    return NULL;
}

bool fp_libc_find_arena(int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *),
                                      void *))
{
    pthread_t thread;
    if (!libc.arena && create(&thread, NULL, look_for_arena, NULL) == 0)
        pthread_join(thread, NULL);
    return libc.arena != 0;
}

FP_CHILD static char *block_of(const struct fp_point *point, size_t nth)
{
    return ((char **)(point->descriptor + libc.specific))[nth];
}

FP_CHILD static size_t descriptor_bytes(void)
{
    return (libc.bytes + 63) & ~(size_t)63;
}

size_t fp_libc_bytes(const struct fp_point *point)
{
    size_t bytes = descriptor_bytes();
    for (size_t i = 1; i < BLOCKS; i++)
        bytes += block_of(point, i) ? BLOCK_BYTES : 0;
    return bytes;
}

void fp_libc_save(struct fp_point *point)
{
    char *copy = point->snapshot.memory;
    memcpy(copy, point->descriptor, libc.bytes);
    copy += descriptor_bytes();
    for (size_t i = 1; i < BLOCKS; i++) {
        if (!block_of(point, i))
            continue;
        memcpy(copy, block_of(point, i), BLOCK_BYTES);
        copy += BLOCK_BYTES;
    }
}

/* libc has put the thread's stack on the list of free ones, and forgotten what it had. */
FP_CHILD void fp_libc_restore(struct fp_point *point)
{
    char *descriptor = point->descriptor, *copy = point->snapshot.memory;
    struct node *node = (struct node *)(descriptor + libc.node);
    node->previous->next = node->next;
    node->next->previous = node->previous;
    memcpy(descriptor, copy, libc.bytes);
    copy += descriptor_bytes();
    for (size_t i = 1; i < BLOCKS; i++) {
        if (!block_of(point, i))
            continue;
        memcpy(block_of(point, i), copy, BLOCK_BYTES);
        copy += BLOCK_BYTES;
    }
    *node = (struct node){libc.used->next, libc.used};
    node->next->previous = libc.used->next = node;
    *(int *)(descriptor + libc.tid) = NOT_YET;
    /* The child's arenas count no thread but the forking one: it takes one when it allocates. */
    *(void **)(descriptor + libc.arena) = NULL;
    ++*libc.count;
}

FP_CHILD bool fp_libc_start(struct fp_point *point)
{
    const unsigned long flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
                                CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID |
                                CLONE_CHILD_CLEARTID;
    return fp_point_clone(point, flags, point->descriptor + libc.tid, point->descriptor + libc.runs,
                          point->descriptor) > 0;
}

FP_CHILD void fp_libc_abandon(struct fp_point *point)
{
    int *tid = (int *)(point->descriptor + libc.tid), running;
    int *runs = (int *)(point->descriptor + libc.runs);
    struct node *node = (struct node *)(point->descriptor + libc.node);
    if (*tid == NOT_YET)
        *runs = 0;
    while ((running = __atomic_load_n(runs, __ATOMIC_ACQUIRE)) != 0)
        syscall(SYS_futex, runs, FUTEX_WAIT, running, NULL, NULL, 0);
    *tid = 0;
    node->previous->next = node->next;
    node->next->previous = node->previous;
    *node = (struct node){node, node};
    --*libc.count;
}

static void register_rseq(const struct fp_point *point)
{
    enum { BYTES = 32, SIGNATURE = 0x53053053, UNREGISTERED = -2 };
    int32_t *area = (int32_t *)(point->descriptor + libc.rseq);
    if (!libc.rseq)
        return;
    area[0] = 0;
    area[1] = -1;
    area[2] = area[3] = 0; /* no sequence is under way */
    if (syscall(SYS_rseq, area, BYTES, 0, SIGNATURE) != 0)
        area[1] = UNREGISTERED;
}

void fp_libc_thread_begins(struct fp_point *point)
{
    const struct fp_point_snapshot *snapshot = &point->snapshot;
    int saved = errno;
    syscall(SYS_set_robust_list, snapshot->robust, snapshot->robust_size);
    register_rseq(point);
    if (!(point->alternate.ss_flags & SS_DISABLE))
        sigaltstack(&point->alternate, NULL);
    prctl(PR_SET_NAME, snapshot->name);
    fp_table_enter(fp_self.slot);
    errno = saved;
    pthread_sigmask(SIG_SETMASK, &snapshot->mask, NULL);
}
