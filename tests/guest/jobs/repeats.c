/* A lock of Python's that is asked for until it is there. SPDX-License-Identifier: Apache-2.0 */
typedef void *lock;

lock PyThread_allocate_lock(void);
int PyThread_acquire_lock(lock, int);
void *PyEval_SaveThread(void);
void PyEval_RestoreThread(void *);

lock lock_make(void)
{
    return PyThread_allocate_lock();
}

void lock_take(lock lock)
{
    void *state = PyEval_SaveThread();
    while (!PyThread_acquire_lock(lock, 1))
        ;
    PyEval_RestoreThread(state);
}
