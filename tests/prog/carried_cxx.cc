// carried_cxx THREADS FORKS: std::threads of a pool, idle in std::condition_variable::wait, are
// carried into FORKS children; "bad N" of them did not work. SPDX-License-Identifier: Apache-2.0
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <queue>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

static std::mutex lock;
static std::condition_variable wanted, answered;
static std::queue<int> work;
static std::vector<std::thread> pool;
static int done;
static bool over;

static void serve()
{
    std::unique_lock<std::mutex> locked(lock);
    for (;;) {
        while (work.empty() && !over)
            wanted.wait(locked);
        if (work.empty())
            return;
        int piece = work.front();
        work.pop();
        locked.unlock();
        try {
            if (piece % 7 == 3)
                throw piece;
        } catch (int) {
        }
        locked.lock();
        done++;
        answered.notify_one();
    }
}

static void have_done(int pieces)
{
    std::unique_lock<std::mutex> locked(lock);
    done = 0;
    for (int i = 0; i < pieces; i++)
        work.push(i);
    wanted.notify_all();
    answered.wait(locked, [&] { return done == pieces; });
}

static void end_pool()
{
    {
        std::lock_guard<std::mutex> locked(lock);
        over = true;
    }
    wanted.notify_all();
    for (auto &thread : pool)
        thread.join();
}

int main(int, char **arguments)
{
    int bad = 0;
    for (int i = 0; i < atoi(arguments[1]); i++)
        pool.emplace_back(serve);
    have_done(50);
    for (int i = 0; i < atoi(arguments[2]); i++) {
        pid_t child = fork();
        if (child == 0) {
            alarm(30);
            have_done(50);
            end_pool();
            exit(0);
        }
        int status = 1;
        waitpid(child, &status, 0);
        bad += status != 0;
        have_done(20);
    }
    printf("bad %d\n", bad);
    fflush(stdout);
    _exit(0);
}
