/* A use of a lost runtime in words. SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/support/hang_fixture.h"

#include <criterion/criterion.h>

TestSuite(use_message, .init = hang_setup);

Test(use_message, a_use)
{
    cr_expect_str_eq(
        use(2048),
        "forkpolicy: pid 77 (python3 train.py) uses deltalake 0.18.2, whose 4 tokio threads"
        " (tokio-runtime-w) were lost in the fork (pthread_cond_signal)\n"
        "forkpolicy:   fork    /app/train.py:10 in main, through multiprocessing/context.py:281;"
        " 61 s ago by pid 76\n"
        "forkpolicy:   do      pip install \"deltalake>=0.19\"\n"
        "forkpolicy:   or      open it later\n");
    lost.identity.known = NULL;
    use(2048);
    expect_absent("  do ");
}

Test(use_message, a_use_of_one_thread_that_was_lost_not_were)
{
    lost.threads = 1;
    use(2048);
    expect(", whose 1 tokio thread (tokio-runtime-w) was lost in the fork (");
    lost.threads = 2;
    use(2048);
    expect(", whose 2 tokio threads (tokio-runtime-w) were lost in the fork (");
    lost.threads = 0;
    use(2048);
    expect(", whose 0 tokio threads (tokio-runtime-w) were lost in the fork (");
}

Test(use_message, a_use_keeps_whole_lines_at_every_size)
{
    for (size_t size = 1; size < 600; size++)
        use(size);
}
