/* The same template instances in each library that includes this: loaded RTLD_GLOBAL, the weak
   symbols of all of them are the first one's. SPDX-License-Identifier: Apache-2.0 */
#include <semaphore.h>
#include <thread>
#include <unistd.h>

static sem_t ready;

static void run()
{
    sem_post(&ready);
    for (;;)
        pause();
}

extern "C" void start_threads(int wanted)
{
    sem_init(&ready, 0, 0);
    for (int i = 0; i < wanted; i++) {
        std::thread(static_cast<void (*)()>(run)).detach();
        while (sem_wait(&ready) != 0) {
        }
    }
}
