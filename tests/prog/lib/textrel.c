/* Has the address of a function in memory that is not writable (DT_TEXTREL).
   SPDX-License-Identifier: Apache-2.0 */
#include <semaphore.h>

typedef int wait_function(sem_t *semaphore);
static wait_function *const waits[] = {sem_wait};
static sem_t semaphore;

int check(void)
{
    return sem_post(&semaphore) || (*(wait_function *const volatile *)waits)(&semaphore);
}
