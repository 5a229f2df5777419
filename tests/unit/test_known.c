/* The built-in table says what was seen. SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "policy/decide.h"
#include "policy/named_code.h"

#include <string.h>

#define SITE "/v/lib/python3.11/site-packages/"
#define STANDARD "/usr/lib/python3.11/"

enum found_by { DSO, PYTHON, THREAD };

#define NOBODY NULL, FP_CLASS_UNKNOWN

static const struct row {
    enum found_by by;
    const char *subject, *version, *variable;
    const char *name;
    enum fp_class class;
} ROWS[] = {
    {DSO, SITE "deltalake/_internal.abi3.so", "0.18.2", "", "deltalake", FP_CLASS_LOST},
    {DSO, SITE "deltalake/_internal.abi3.so", "0.19.0", "", "deltalake", FP_CLASS_REFUSES},
    {DSO, SITE "deltalake/_internal.abi3.so", "1.6.6", "", "deltalake", FP_CLASS_REFUSES},
    {DSO, SITE "deltalake/_internal.cpython-311-x86_64-linux-gnu.so", "0.9", "", "deltalake",
     FP_CLASS_LOST},
    /* three packages with one file name */
    {DSO, SITE "datafusion/_internal.abi3.so", "55.0.0", "", "datafusion", FP_CLASS_LOST},
    {DSO, SITE "zarrs/_internal.abi3.so", "0.2.3", "", "zarrs", FP_CLASS_LOST},
    {DSO, SITE "other/_internal.abi3.so", "1", "", NOBODY},
    {DSO, SITE "obstore/_obstore.abi3.so", "0.12.1", "", "obstore", FP_CLASS_LOST},
    {DSO, SITE "obstore/_obstore.abi3.so", "0.4.0", "", "obstore", FP_CLASS_REFUSES},
    {DSO, SITE "obstore/_obstore.abi3.so", "0.6.0", "", "obstore", FP_CLASS_REFUSES},
    {DSO, SITE "obstore/_obstore.abi3.so", "0.7.3", "", "obstore", FP_CLASS_LOST},
    {DSO, SITE "obstore/_obstore.abi3.so", "", "", "obstore", FP_CLASS_LOST},
    {DSO, SITE "opendal/_opendal.abi3.so", "0.47.12", "", "opendal", FP_CLASS_LOST},
    {DSO, SITE "lance/lance.abi3.so", "0.20.0", "", "lance", FP_CLASS_LOST},
    {DSO, SITE "lance/lance.abi3.so", "5.0.0", "", "lance", FP_CLASS_UNKNOWN},
    {DSO, SITE "lance/lance.abi3.so", "14.0.2", "", "lance", FP_CLASS_SURVIVES},
    {DSO, SITE "lancedb/_lancedb.abi3.so", "0.30.2", "", "lancedb", FP_CLASS_LOST},
    {DSO, SITE "lancedb/_lancedb.abi3.so", "0.32.0", "", "lancedb", FP_CLASS_SURVIVES},
    {DSO, SITE "lancedb/_lancedb.abi3.so", "0.40.0", "", "lancedb", FP_CLASS_SURVIVES},
    {PYTHON, SITE "lancedb/background_loop.py", "0.30.2", "", "lancedb-loop", FP_CLASS_LOST},
    {PYTHON, SITE "lancedb/background_loop.py", "0.32.0", "", "lancedb-loop", FP_CLASS_SURVIVES},
    {DSO, SITE "daft/daft.abi3.so", "0.7.26", "", "daft", FP_CLASS_LOST},
    {DSO, SITE "polars/polars.abi3.so", "1.30.0", "", "polars", FP_CLASS_LOST},
    {DSO, SITE "_polars_runtime_32/_polars_runtime.abi3.so", "2.1.0", "", "polars", FP_CLASS_LOST},
    {DSO, SITE "tokenizers/tokenizers.abi3.so", "0.23.3", "", "tokenizers", FP_CLASS_SURVIVES},
    {DSO, SITE "tokenizers/tokenizers.abi3.so", "", "TOKENIZERS_PARALLELISM=true", "tokenizers",
     FP_CLASS_LOST},
    {DSO, SITE "tokenizers/tokenizers.abi3.so", "", "TOKENIZERS_PARALLELISM=1", "tokenizers",
     FP_CLASS_LOST},
    {DSO, SITE "tokenizers/tokenizers.abi3.so", "", "TOKENIZERS_PARALLELISM=nope", "tokenizers",
     FP_CLASS_LOST},
    {DSO, SITE "tensorstore/_tensorstore.cpython-311-x86_64-linux-gnu.so", "0.1.86", "",
     "tensorstore", FP_CLASS_REFUSES},
    {DSO, SITE "tensorstore/_tensorstore.cpython-311-x86_64-linux-gnu.so", "0.1.71", "",
     "tensorstore", FP_CLASS_LOST},
    {DSO, SITE "pyarrow/libarrow.so.2601", "26.0.1", "", "arrow", FP_CLASS_SURVIVES},
    {DSO, SITE "pyarrow/libarrow_dataset.so.2601", "26.0.1", "", "arrow", FP_CLASS_SURVIVES},
    {DSO, SITE "_duckdb.cpython-311-x86_64-linux-gnu.so", "2.0.0", "", "duckdb", FP_CLASS_SURVIVES},
    {DSO, SITE "_duckdb.cpython-311-x86_64-linux-gnu.so", "1.3.0", "", "duckdb", FP_CLASS_UNKNOWN},
    {DSO, SITE "grpc/_cython/cygrpc.cpython-311-x86_64-linux-gnu.so", "1.85.1", "", "grpcio",
     FP_CLASS_SURVIVES},
    {DSO, SITE "jaxlib/libjax_common.so", "0.10.2", "", "jax", FP_CLASS_LOST},
    {DSO, SITE "tensorflow/libtensorflow_framework.so.2", "2.20", "", "tensorflow", FP_CLASS_LOST},
    {DSO, SITE "torch/lib/libc10.so", "2.13.0", "", "torch-interop", FP_CLASS_LOST},
    {DSO, SITE "torch/lib/libc10_cuda.so", "2.13.0", "", NOBODY},
    {DSO, SITE "torch/lib/libtorch_cpu.so", "2.13.0", "", "torch", FP_CLASS_UNKNOWN},
    {DSO, SITE "torch/lib/libgomp.so.1", "2.13.0", "", "libgomp", FP_CLASS_RESET},
    {DSO, SITE "scikit_learn.libs/libgomp-e985bcbb.so.1.0.0", "1.9.1", "", "libgomp",
     FP_CLASS_RESET},
    {DSO, "/usr/lib/x86_64-linux-gnu/libgomp.so.1.0.0", "", "", "libgomp", FP_CLASS_RESET},
    {DSO, "/usr/lib/llvm-14/lib/libomp.so.5", "", "", "libomp", FP_CLASS_SURVIVES},
    {DSO, SITE "torch/lib/libiomp5.so", "", "", "libomp", FP_CLASS_SURVIVES},
    {DSO, SITE "numpy.libs/libscipy_openblas64_-32a4b2a6.so", "2.4.6", "", "openblas",
     FP_CLASS_SURVIVES},
    {DSO, "/usr/lib/x86_64-linux-gnu/openblas-pthread/libopenblasp-r0.3.21.so", "", "", "openblas",
     FP_CLASS_SURVIVES},
    {DSO, SITE "cv2/cv2.abi3.so", "5.0.0.93", "", "opencv", FP_CLASS_SURVIVES},
    {DSO, SITE "cv2/cv2.abi3.so", "4.9.0.80", "", "opencv", FP_CLASS_UNKNOWN},
    {DSO, SITE "numexpr/interpreter.cpython-311-x86_64-linux-gnu.so", "2.14.2", "", "numexpr",
     FP_CLASS_SURVIVES},
    {DSO, SITE "numba/np/ufunc/omppool.cpython-311-x86_64-linux-gnu.so", "0.68.1", "", "numba-omp",
     FP_CLASS_REFUSES},
    {DSO, SITE "numba/np/ufunc/workqueue.cpython-311-x86_64-linux-gnu.so", "0.68.1", "",
     "numba-workqueue", FP_CLASS_SURVIVES},
    {DSO, "/usr/lib/x86_64-linux-gnu/libcuda.so.550.54.14", "", "", "cuda", FP_CLASS_UNKNOWN},
    {DSO, "/usr/lib/jvm/java-17/lib/server/libjvm.so", "", "", "jvm", FP_CLASS_LOST},
    {DSO, SITE "confluent_kafka.libs/librdkafka-2b9.so.1", "", "", "librdkafka", FP_CLASS_LOST},
    {DSO, "/lib/x86_64-linux-gnu/libc.so.6", "", "", NOBODY},
    {DSO, "", "", "", NOBODY},
    {THREAD, "jemalloc_bg_thd", "", "", "jemalloc", FP_CLASS_SURVIVES},
    {THREAD, "iou-sqp-1234", "", "", "io-uring", FP_CLASS_SURVIVES},
    {THREAD, "tokio-rt-worker", "", "", NOBODY},
    {PYTHON, STANDARD "concurrent/futures/thread.py", "", "", "ThreadPoolExecutor", FP_CLASS_RESET},
    {PYTHON, STANDARD "multiprocessing/queues.py", "", "", "multiprocessing-queue",
     FP_CLASS_SURVIVES},
    {PYTHON, STANDARD "logging/handlers.py", "", "", "QueueListener", FP_CLASS_RESET},
    {PYTHON, STANDARD "asyncio/base_events.py", "", "", "asyncio", FP_CLASS_RESET},
    {PYTHON, SITE "fsspec/asyn.py", "2026.9.0", "", "fsspec", FP_CLASS_RESET},
    {PYTHON, SITE "zarr/core/sync.py", "3.1.6", "", "zarr", FP_CLASS_SURVIVES},
    {PYTHON, "/home/me/train.py", "", "", NOBODY},
};

static struct fp_identity identify(enum found_by by, const char *subject, const char *version)
{
    static const struct fp_rules NONE;
    struct fp_policy policy = {.environment = &NONE, .built_in = &fp_known_policy};
    struct fp_facts facts = {.dso = by == DSO ? subject : "",
                             .file = by == PYTHON ? subject : "",
                             .thread = by == THREAD ? subject : "",
                             .package = "",
                             .version = version};
    return fp_identify(&policy, &facts);
}

Test(known, each_runtime_has_the_class_that_was_seen)
{
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        const struct row *row = &ROWS[i];
        const char *const environment[] = {*row->variable ? row->variable : NULL, NULL};
        struct fp_identity identity = identify(row->by, row->subject, row->version);
        if (!row->name) {
            cr_assert_null(identity.known, "%s", row->subject);
            continue;
        }
        cr_assert(identity.known, "%s is not known", row->subject);
        cr_assert(fp_slice_is(fp_known_name(identity.source, identity.known), row->name), "%s",
                  row->subject);
        enum fp_class class = fp_classify(&identity, row->version, environment);
        cr_assert_eq(class, row->class, "%s %s is %s", row->subject, row->version,
                     fp_class_name(class));
    }
}

Test(known, tokenizers_is_serial_for_each_false_value_in_any_case)
{
    static const char *const FALSE[] = {"",  "0", "off", "OFF", "Off", "false", "False", "FALSE",
                                        "f", "F", "no",  "No",  "NO",  "n",     "N"};
    static const char *const TRUE[] = {"true", "1", "00", "offf", "on", "yes", "fals", "no ", " "};
    struct fp_identity identity = identify(DSO, SITE "tokenizers/tokenizers.abi3.so", "0.23.3");
    for (size_t i = 0; i < sizeof FALSE / sizeof *FALSE + sizeof TRUE / sizeof *TRUE; i++) {
        bool parallel = i >= sizeof FALSE / sizeof *FALSE;
        char buffer[64];
        struct fp_text variable = FP_TEXT(buffer);
        fp_text_format(&variable, "TOKENIZERS_PARALLELISM=%s",
                       parallel ? TRUE[i - sizeof FALSE / sizeof *FALSE] : FALSE[i]);
        const char *const environment[] = {buffer, NULL};
        cr_assert_eq(fp_classify(&identity, "0.23.3", environment),
                     parallel ? FP_CLASS_LOST : FP_CLASS_SURVIVES, "%s", buffer);
    }
}

Test(known, names_can_be_written_in_a_policy_string)
{
    for (size_t i = 0; i < fp_known_policy.known_count; i++) {
        struct fp_slice name = fp_known_name(&fp_known_policy, &fp_known_policy.known[i]);
        for (size_t at = 0; at < name.length; at++)
            cr_assert(!strchr(", \t:*?[]\\", name.text[at]), "%.*s", FP_SLICE(name));
        for (size_t j = 0; j < i; j++) {
            struct fp_slice other = fp_known_name(&fp_known_policy, &fp_known_policy.known[j]);
            cr_assert(other.length != name.length ||
                          memcmp(other.text, name.text, name.length) != 0,
                      "%.*s stands there twice", FP_SLICE(name));
        }
    }
}

Test(known, everyone_has_a_kind_and_a_source_and_who_is_lost_has_short_advice)
{
    for (size_t i = 0; i < fp_known_policy.known_count; i++) {
        const struct fp_policy_text *text = &fp_known_policy;
        const struct fp_known *known = &text->known[i];
        struct fp_slice name = fp_known_name(text, known), advice, clause;
        cr_assert(fp_known_value(text, known, FP_WORD_KIND, 0).length, "%.*s", FP_SLICE(name));
        cr_assert(fp_known_value(text, known, FP_WORD_SOURCE, 0).length, "%.*s", FP_SLICE(name));
        for (size_t n = 0; (advice = fp_known_value(text, known, FP_WORD_ADVICE, n)).length; n++)
            cr_assert_leq(advice.length, 90, "%.*s", FP_SLICE(advice));
        for (size_t n = 0; (advice = fp_known_value(text, known, FP_WORD_REMEDY, n)).length; n++)
            cr_assert(n == 0 && advice.length <= 110, "%.*s", FP_SLICE(advice));
        for (size_t n = 0; (clause = fp_known_value(text, known, FP_WORD_CLASS, n)).length; n++)
            if (fp_slice_is(fp_slice_word(&clause), "lost"))
                cr_assert(fp_known_value(text, known, FP_WORD_ADVICE, 0).length, "%.*s",
                          FP_SLICE(name));
    }
}

Test(known, python_code_that_forks_to_exec)
{
    static const struct fp_rules NONE;
    struct fp_policy policy = {.environment = &NONE, .built_in = &fp_known_policy};
    cr_assert(fp_policy_execs(&policy, STANDARD "subprocess.py", "_execute_child"));
    cr_assert(fp_policy_execs(&policy, "<frozen os>", "_spawnvef"));
    cr_assert(fp_policy_execs(&policy, STANDARD "os.py", "_spawnvef"));
    cr_assert(fp_policy_execs(&policy, STANDARD "pty.py", "spawn"));
    cr_assert(!fp_policy_execs(&policy, STANDARD "pty.py", "fork"));
    cr_assert(fp_policy_execs(&policy, SITE "ptyprocess/ptyprocess.py", "spawn"));
    cr_assert(!fp_policy_execs(&policy, STANDARD "multiprocessing/popen_fork.py", "_launch"));
}
