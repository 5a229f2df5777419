# Tests: `make test` runs every check that CI runs, quick ones first; `make quick` is for each change.

CORES := $(shell nproc)
# Most tests wait most of the time: more of them than processors run at a time.
JOBS ?= $(shell expr 2 '*' $(CORES))
PYTEST = $(BUILD)/venv/wheels/bin/python -m pytest -q -p no:cacheprovider
RUN_PYTEST = sh tools/run-pytest.sh $(JOBS)
UNIT := $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/*.c))
FUZZ := rules policy_text options log arrow sql
PERMUTATION := $(addprefix loader/permutation/,permutation.c feistel.c feistel_groups.c)
# What the unit tests link: the pure core, and the guest's tables, which need no preload.
TESTED := $(POLICY) $(COMMON) shim/base/self.c shim/base/condition.c shim/threads/table.c shim/threads/runtimes.c shim/base/report_once.c shim/libraries/address.c \
          shim/libraries/elf.c shim/libraries/loader_list.c shim/libraries/probe.c shim/threads/sites.c \
          shim/threads/lost.c $(LOADS)
SUPPORT := $(wildcard tests/unit/support/*.c)
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

.PHONY: test quick unit asan warnings mutants lint format rooms stack preload guest guest-programs loader program python table knowledge fuzz soak bench peers demo

# What can run beside other things comes first, the suites, which use all processors, one by one.
test: packages ## set up and run every test
	@$(MAKE) --no-print-directory -j$(CORES) -O all programs guest-programs environments warnings rooms stack unit asan wheels
	@$(MAKE) --no-print-directory -j1 preload guest program loader python
	@echo "make test: everything passed"

SMOKE := tests/preload/test_transparent.py tests/preload/test_owner.py tests/preload/test_messages.py \
         tests/preload/test_program.py tests/cli/test_report.py tests/cli/test_explain_log.py \
         tests/loader/test_permutation_api.py tests/loader/test_take.py tests/loader/test_ring.py \
         tests/loader/test_loader.py
quick: packages ## what to run after each change: build, rooms, unit tests, a smoke test of the rest
	@$(MAKE) --no-print-directory -j$(CORES) -O all programs environments rooms unit
	@$(PYTEST) -n $(JOBS) --dist loadfile -m "not alone" $(SMOKE)
	@echo "make quick: everything passed"

BY_ITSELF := $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/shim/*/*.c))
TOPICS := $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/shim/*/*/*.c))
unit: $(UNIT:%=$(BUILD)/unit/%) $(BY_ITSELF:%=$(BUILD)/unit/%) $(TOPICS:%=$(BUILD)/unit/topics/%) ## the unit tests
	@sh tools/run-unit.sh $^
	@$(PYTHON) -B tests/unit/mutants.py --lines

asan: $(UNIT:%=$(BUILD)/asan/%) $(FUZZ:%=$(BUILD)/asan/replay_%) ## the same under ASan and UBSan, and the fuzzers' corpus
	@sh tools/run-unit.sh $(UNIT:%=$(BUILD)/asan/%)
	@for target in $(FUZZ); do \
	    $(BUILD)/asan/replay_$$target tests/fuzz/corpus/$$target || exit 1; done

mutants: unit ## put weaker rules into the code: the unit tests must notice
	$(PYTHON) -B tests/unit/mutants.py

TEST_FLAGS := -std=gnu11 -O1 -g -MMD -MP -I. -Iinclude -pthread
tested = $(patsubst %.c,$(BUILD)/$(1)/obj/%.o,$(TESTED)) $(BUILD)/$(1)/obj/known.o

$(BUILD)/unit/obj/%.o: %.c | packages
	$(call say,compile)
	$(Q)$(CC) $(TEST_FLAGS) $(WARNINGS) -Wno-conversion -c -o $@ $<

$(BUILD)/asan/obj/%.o: %.c | packages
	$(call say,compile)
	$(Q)$(CC) $(TEST_FLAGS) $(SANITIZE) -c -o $@ $<

$(BUILD)/unit/obj/known.o $(BUILD)/asan/obj/known.o: $(BUILD)/known.c
	$(call say,compile)
	$(Q)$(CC) $(TEST_FLAGS) -c -o $@ $<

$(BUILD)/unit/%: $(BUILD)/unit/obj/tests/unit/%.o $(SUPPORT:%.c=$(BUILD)/unit/obj/%.o) $(call tested,unit)
	$(call say,link)
	$(Q)$(CC) -pthread -o $@ $^ -lcriterion -lm -ldl

# A file of the shim by itself: tests/unit/shim/ROOM/FILE.c tests shim/ROOM/FILE.c, and is all that it calls of the rooms
# below. Only what keeps no state is the real one. So does each topic, ROOM/FILE/TOPIC.c, with the folder's fakes.h.
STATELESS := $(POLICY) $(COMMON) shim/base/number.c shim/libraries/probe.c
$(BUILD)/unit/stateless.a: $(STATELESS:%.c=$(BUILD)/unit/obj/%.o) $(BUILD)/unit/obj/known.o
	$(call say,link)
	$(Q)rm -f $@ && ar rcs $@ $^

$(BY_ITSELF:%=$(BUILD)/unit/%): $(BUILD)/unit/%: $(BUILD)/unit/obj/tests/unit/%.o $(BUILD)/unit/obj/%.o $(BUILD)/unit/stateless.a
	$(call say,link)
	$(Q)$(CC) -pthread -o $@ $^ -lcriterion -ldl

.SECONDEXPANSION:
$(BUILD)/unit/topics/%: $(BUILD)/unit/obj/tests/unit/%.o $$(subst /.o,.o,$(BUILD)/unit/obj/$$(dir $$*).o) $(BUILD)/unit/stateless.a
	$(call say,link)
	$(Q)$(CC) -pthread -o $@ $^ -lcriterion -ldl

# The fuzzer of logs needs what reads and reports them.
READS_LOGS := cli/base/arena.c $(wildcard cli/record/*.c) cli/explain/log.c cli/explain/notes.c \
              $(wildcard cli/report/*.c) cli/report/page.S
$(BUILD)/asan/replay_log: $(patsubst %,$(BUILD)/asan/obj/%.o,$(basename $(READS_LOGS)))
$(BUILD)/fuzz/log: $(READS_LOGS) | $(BUILD)/words.js
$(BUILD)/asan/replay_log $(BUILD)/fuzz/log: FUZZ_LIBRARIES := -ljansson

# The fuzzer of Arrow arrays needs what imports and takes them.
READS_ARROW := $(wildcard loader/base/*.c loader/arrow/*.c loader/table/*.c)
$(BUILD)/asan/replay_arrow: $(patsubst %.c,$(BUILD)/asan/obj/%.o,$(READS_ARROW))
$(BUILD)/fuzz/arrow: $(READS_ARROW)

# The fuzzer of expressions needs the whole library.
READS_SQL := $(LOADS)
$(BUILD)/asan/replay_sql: $(patsubst %.c,$(BUILD)/asan/obj/%.o,$(READS_SQL))
$(BUILD)/fuzz/sql: $(READS_SQL)
$(BUILD)/fuzz/sql: FUZZ_LIBRARIES := -lm -ldl

$(BUILD)/asan/obj/%.o: %.S $(BUILD)/words.js | packages
	$(call say,compile)
	$(Q)$(CC) $(TEST_FLAGS) -Wa,-I$(BUILD) -c -o $@ $<

$(BUILD)/asan/replay_%: $(BUILD)/asan/obj/tests/fuzz/fuzz_%.o $(BUILD)/asan/obj/tests/fuzz/replay.o $(call tested,asan)
	$(call say,link)
	$(Q)$(CC) $(SANITIZE) -pthread -o $@ $^ $(FUZZ_LIBRARIES) -lm -ldl

$(BUILD)/asan/%: $(BUILD)/asan/obj/tests/unit/%.o $(SUPPORT:%.c=$(BUILD)/asan/obj/%.o) $(call tested,asan)
	$(call say,link)
	$(Q)$(CC) $(SANITIZE) -pthread -o $@ $^ -lcriterion -lm -ldl

.PRECIOUS: $(BUILD)/unit/obj/%.o $(BUILD)/asan/obj/%.o
-include $(foreach depth,*/ */*/ */*/*/ */*/*/*/ */*/*/*/*/,$(wildcard $(BUILD)/*/obj/$(depth)*.d))

$(BUILD)/fuzz/%: tests/fuzz/fuzz_%.c $(POLICY) $(BUILD)/known.c | packages
	$(call say,build)
	$(Q)$(CLANG) -std=gnu11 -O1 -g -fsanitize=fuzzer,address,undefined -I. -Iinclude -Wa,-I$(BUILD) -o $@ $^ $(FUZZ_LIBRARIES)

FUZZ_SECONDS ?= 60
.PHONY: fuzz-packages
fuzz-packages: | packages
	@sh tools/install-packages.sh libclang-rt-$$($(CLANG) -dumpversion | cut -d. -f1)-dev

fuzz: fuzz-packages $(FUZZ:%=$(BUILD)/fuzz/%) ## fuzz the parsers, FUZZ_SECONDS each
	@for target in $(FUZZ); do mkdir -p $(BUILD)/fuzz/corpus_$$target; \
	    $(BUILD)/fuzz/$$target -max_total_time=$(FUZZ_SECONDS) -timeout=10 \
	        $(BUILD)/fuzz/corpus_$$target tests/fuzz/corpus/$$target || exit 1; done

# Both compilers, every warning an error.
CHECKED = $(POLICY) $(COMMON) $(filter %.c,$(SHIM)) $(filter %.c,$(CLI)) $(LOADS) amplify/amplify.c \
          tools/compile_known.c $(wildcard examples/*/*.c)
.PHONY: warnings-gcc warnings-clang
warnings: warnings-gcc warnings-clang ## gcc and clang without a warning
warnings-gcc: compiler = $(CC)
warnings-clang: compiler = $(CLANG)
warnings-gcc warnings-clang: $(BUILD)/known.c | packages
	@for file in $(CHECKED); do \
	    $(compiler) -std=c11 -O2 $(WARNINGS) -Werror -fsyntax-only -I. -Iinclude $$file || exit 1; \
	done; echo "warnings: none by $(compiler)"

rooms: all ## every file keeps to its room (docs/design.md)
	@$(PYTHON) -B tools/check_rooms.py $(BUILD)

STACK := $(patsubst %.c,$(BUILD)/stack/%.ci,$(filter %.c,$(SHIM)) $(POLICY) $(COMMON))
$(BUILD)/stack/%.ci: %.c | packages
	@mkdir -p $(@D)
	@$(CC) $(FLAGS) -fcallgraph-info=su -MMD -MP -MT $@ -c -o $(@:.ci=.o) $<
-include $(STACK:.ci=.d)
stack: ## no way into the shim takes more of the host's stack than tools/stack.txt says; needs gcc 10
	@mkdir -p $(BUILD)/stack
	@if $(CC) -fcallgraph-info=su -x c -c -o $(BUILD)/stack/any.o /dev/null 2>/dev/null; then \
	    $(MAKE) -s $(STACK) && $(PYTHON) -B tools/check_stack.py tools/stack.txt $(BUILD)/stack; \
	else echo "stack: not checked, $(CC) has no -fcallgraph-info"; fi

preload: all programs environments ## the shim under small host programs
	$(RUN_PYTEST) tests/preload $$(sh tools/other-user.sh) $(PYTEST)

loader: all programs environments $(BUILD)/asan/libforkloader.so ## the library of permutations and tables, under pyarrow
	$(RUN_PYTEST) tests/loader $(PYTEST)
	@echo "the same with a library under ASan and UBSan"
	FORKLOADER_LIBRARY=$(abspath $(BUILD))/asan/libforkloader.so ARROW_DEFAULT_MEMORY_POOL=system \
	    LD_PRELOAD=$$($(CC) -print-file-name=libasan.so) ASAN_OPTIONS=detect_leaks=0 \
	    $(PYTEST) -n $(JOBS) tests/loader/test_take.py tests/loader/test_bad_arrow.py tests/loader/test_ring.py \
	    tests/loader/test_hash.py tests/loader/test_sql.py \
	    $(patsubst %,tests/loader/test_sql_%.py,times values random texts)

$(BUILD)/asan/libforkloader.so: $(LOADS) $(wildcard loader/*/*.h) include/forkloader.h | packages
	$(call say,link)
	$(Q)$(CC) -std=gnu11 -O1 -g -fPIC $(SANITIZE) -I. -Iinclude -shared -o $@ $(filter %.c,$^) -lm -ldl

program: all programs environments ## the program: reports, man pages, completions
	$(RUN_PYTEST) tests/cli $(PYTEST)

# Programs of one kind each, for the table of tests/guest.
GUEST_LIBRARIES := $(patsubst tests/guest/prog/lib/%.c,$(BUILD)/guest/lib%.so,$(wildcard tests/guest/prog/lib/*.c))
GUESTS := $(patsubst tests/guest/prog/%.c,$(BUILD)/guest/%,$(wildcard tests/guest/prog/*.c)) \
          $(addprefix $(BUILD)/guest/,openmp_preloaded openmp_as_libgomp)
GUEST_CC = $(CC) -std=gnu11 -O2 -g -Wall -Wextra -Iinclude -pthread
guest-programs: $(GUESTS) $(GUEST_LIBRARIES) $(BUILD)/proof/plans $(BUILD)/proof/libforkpolicy.so

$(BUILD)/guest/lib%.so: tests/guest/prog/lib/%.c | packages
	$(call say,build)
	$(Q)$(GUEST_CC) $(or $(POSITION),-fPIC) -shared -Wl,-soname,$(@F) -o $@ $<
$(BUILD)/guest/libtext_relocations.so: POSITION := -fno-pic -mcmodel=large -Wl,-z,notext

# The same library by the name of GNU's, as conda has it.
$(BUILD)/guest/llvm/libgomp.so.1: tests/guest/prog/lib/anew.c | packages
	$(call say,build)
	$(Q)$(GUEST_CC) -fPIC -shared -Wl,-soname,libgomp.so.1 -o $@ $<

$(BUILD)/guest/%: tests/guest/prog/%.c tests/guest/prog/guest.h | packages
	$(call say,build)
	$(Q)$(GUEST_CC) $(WITH) -o $@ $< $(filter %.so %.so.1,$^) -Wl,-rpath,$(abspath $(BUILD))/guest -ldl
$(BUILD)/guest/openmp_preloaded $(BUILD)/guest/openmp_as_libgomp: tests/guest/prog/openmp_anew.c tests/guest/prog/guest.h
	$(call say,build)
	$(Q)$(GUEST_CC) $(WITH) -o $@ $< $(filter %.so.1,$^) -Wl,-rpath,$(abspath $(BUILD))/guest/llvm -ldl
$(addprefix $(BUILD)/guest/,unseen_team thread_private openmp_preloaded): WITH := -fopenmp
$(BUILD)/guest/address_sanitizer: WITH := -fsanitize=address
$(BUILD)/guest/text_relocations: $(BUILD)/guest/libtext_relocations.so
$(BUILD)/guest/openmp_anew: $(BUILD)/guest/libanew.so
$(BUILD)/guest/openmp_as_libgomp: $(BUILD)/guest/llvm/libgomp.so.1

PLANS := $(wildcard tests/proof/plans/*.c)
$(BUILD)/proof/plans: $(PLANS) tests/proof/plans/plan.h tests/guest/prog/guest.h | packages
	$(call say,build)
	$(Q)$(GUEST_CC) -o $@ $(PLANS) -Wl,-rpath,$(abspath $(BUILD))/guest -ldl

# The shim with a look at every moment, see hasty.c.
$(BUILD)/proof/libforkpolicy.so: $(BUILD)/obj/tests/proof/hasty.o $(LIBRARY)
	$(call say,link)
	$(Q)sed 's/^global:/& fp_looks;/' $(BUILD)/exports.map > $(@D)/exports.map
	$(Q)$(CC) $(CFLAGS) $(SHIM_LINK) -Wl,--version-script=$(@D)/exports.map -o $@ $< \
	    $(call objects,$(SHIM)) $(CORE) $(call static,libffi_pic.a) $(UNWINDER) \
	    -Wl,--wrap=fp_company_look,--wrap=fp_waiting_next

GUEST_ROUNDS ?= 3
PROOF_SECONDS ?= 0
# They run some of their programs at a time by themselves: not under xdist.
guest: all guest-programs environments ## programs that must behave as they do bare, under every policy
	GUEST_ROUNDS=$(GUEST_ROUNDS) $(PYTEST) tests/guest
	PROOF_SECONDS=$(PROOF_SECONDS) $(PYTEST) tests/proof

python: all programs environments ## the shim under real wheels
	$(RUN_PYTEST) tests/python $(PYTEST)

table: all environments ## the table of runtimes agrees with recorded runs, ten of which are repeated
	$(PYTEST) tests/knowledge

.PHONY: messages
messages: all environments ## renew docs/messages.md, all that a user reads, from real runs
	UPDATE_GOLDEN=1 $(PYTEST) tests/python/test_messages_page.py

.PHONY: servers
servers: all environments ## renew docs/servers.md, what real servers do, from real runs: half an hour; ROWS="uwsgi sync/lock"
	$(BUILD)/venv/wheels/bin/python -B tests/soak/servers_table.py --write $(ROWS)

.PHONY: servers-load
servers-load: all environments ## healthy servers under load beside restarts, for SECONDS=600
	$(BUILD)/venv/wheels/bin/python -B tests/soak/servers_load.py $(or $(SECONDS),600) $(ROWS)

# ONLY=name,...: these recipes or groups; NEWEST=1: what pip serves today, and what moved; RUNS=3. Without ONLY each
# environment is removed once its recipes were run: the largest takes 2.4 GB, all together 12. KEEP=1 keeps them
knowledge: all environments ## run the recipes behind the table of runtimes: ONLY=, NEWEST=1, RUNS=, KEEP=1
	$(PYTHON) -B tests/knowledge/run.py $(if $(ONLY),--only $(ONLY)) $(if $(NEWEST),--newest) $(if $(ONLY)$(KEEP),,--tidy) \
	    $(if $(RUNS),--runs $(RUNS))
	$(if $(NEWEST),,$(MAKE) docs/runtimes.md)

docs/runtimes.md: policy/known.policy $(KNOWLEDGE)
	$(call say,make)
	$(Q)$(PYTHON) -B tools/runtimes.py page > $@.new && mv $@.new $@

SOURCES = $(POLICY) $(COMMON) $(filter %.c,$(SHIM)) $(filter %.c,$(CLI)) $(LOADS) amplify/amplify.c tools/compile_known.c $(wildcard examples/*/*.c)
format: | packages ## clang-format every C file
	clang-format -i $(SOURCES) $(wildcard */*.h cli/*/*.h tests/*/*.[ch] tests/prog/*/*.[ch] bench/*/*.[ch])

lint: $(BUILD)/known.c | packages ## clang-format and clang-tidy find nothing
	clang-format --dry-run --Werror $(SOURCES) $(wildcard policy/*.h common/*.h shim/*/*.h cli/*.h cli/*/*.h loader/*/*.h)
	clang-tidy --quiet $(SOURCES) -- -std=c11 -I. -Iinclude

soak: all programs environments ## what is too long for CI: races again and again, fuzzing
	$$(sh tools/other-user.sh) $(PYTEST) tests/soak
	$(PYTEST) tests/python/resets_unit.py
	$(MAKE) guest GUEST_ROUNDS=20 PROOF_SECONDS=1800
	$(MAKE) mutants
	$(MAKE) fuzz FUZZ_SECONDS=600

BENCH_LIBRARIES := $(BUILD)/bench/empty.so $(BUILD)/bench/foreign.so $(BUILD)/bench/pool.so $(BUILD)/bench/random_read.so
BENCHES := $(BENCH_LIBRARIES) $(patsubst bench/programs/%.c,$(BUILD)/bench/%,\
           $(filter-out %/empty.c %/foreign.c %/pool.c %/random_read.c,$(wildcard bench/programs/*.c)))
$(BUILD)/bench/%: bench/programs/%.c $(wildcard bench/programs/*.h) | packages
	$(call say,build)
	$(Q)$(CC) -std=gnu11 -O2 -pthread -o $@ $< -ldl

# The paths of a permutation can be chosen only where its objects are linked.
$(BUILD)/bench/permute: bench/programs/permute.c $(call objects,$(PERMUTATION) loader/base/error.c)
	$(call say,build)
	$(Q)$(CC) -std=gnu11 -O2 -I. -Iinclude -pthread -o $@ $^

$(BUILD)/bench/%.so: bench/programs/%.c | packages
	$(call say,build)
	$(Q)$(CC) -O2 -shared -fPIC -pthread -o $@ $<

# What other tools tell of the same hang.
$(BUILD)/venv/peers/.ready: bench/requirements.txt
	@$(PYTHON) -m venv $(@D)
	@$(@D)/bin/python -m pip install --disable-pip-version-check --no-input -r $<
	@touch $@

peers: all $(BUILD)/venv/peers/.ready ## what py-spy, pystack and others tell of a hang, beside explain
	$(PYTHON) bench/diagnosis.py

ROUNDS ?= 21
bench: all environments $(BENCHES) ## what the shim costs, as ratios of alternating runs
	$(PYTHON) bench/bench.py $(ROUNDS) $(PARTS)

demo: all environments ## two jobs that hang, bare and under each policy
	$(PYTHON) examples/demo/demo.py

PREFIX ?= /usr/local
.PHONY: install
LIBDIR ?= $(PREFIX)/lib
SHARE = $(DESTDIR)$(PREFIX)/share
install: all man completions ## install into PREFIX (and below DESTDIR)
	install -D -m 755 $(PROGRAM) $(DESTDIR)$(PREFIX)/bin/forkpolicy
	install -D -m 755 $(LIBRARY) $(DESTDIR)$(PREFIX)/lib/forkpolicy/libforkpolicy.so
	install -D -m 755 $(AMPLIFIER) $(DESTDIR)$(PREFIX)/lib/forkpolicy/libforkamplify.so
	install -D -m 755 $(LOADER) $(DESTDIR)$(LIBDIR)/libforkloader.so
	install -D -m 644 include/forkpolicy.h $(DESTDIR)$(PREFIX)/include/forkpolicy.h
	install -D -m 644 include/forkloader.h $(DESTDIR)$(PREFIX)/include/forkloader.h
	for page in $(MAN); do \
	    install -D -m 644 $$page $(SHARE)/man/man$${page##*.}/$${page##*/} || exit 1; done
	install -D -m 644 $(BUILD)/completions/bash $(SHARE)/bash-completion/completions/forkpolicy
	install -D -m 644 $(BUILD)/completions/zsh $(SHARE)/zsh/site-functions/_forkpolicy
	install -D -m 644 $(BUILD)/completions/fish $(SHARE)/fish/vendor_completions.d/forkpolicy.fish
