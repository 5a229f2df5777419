/* Calls sem_wait and sem_post by slots of its own; slot_words has data in their place, and slot_ids
   other functions. SPDX-License-Identifier: Apache-2.0 */
#include <semaphore.h>

char padding[65536];
static sem_t semaphore;

int check(void)
{
    return sem_post(&semaphore) || sem_wait(&semaphore);
}
