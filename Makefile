# forkpolicy. `make help` lists what there is to make.

BUILD ?= build
PYTHON ?= python3
CC ?= gcc
CXX ?= g++
CLANG ?= clang
# For another machine than this one: its compiler, its name, and a folder of its static libraries.
HOSTCC ?= $(CC)
ARCH ?= $(shell uname -m)
STATIC ?=
# Where there are no static ones (conda): SHARED=1 links the shared.
SHARED ?=
static = $(if $(SHARED),$(patsubst lib%.a,-l%,$(subst _pic,,$(1))),$(if $(STATIC),$(STATIC)/$(1),-l:$(1)))

WARNINGS := -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wundef \
            -Wvla -Wformat=2
# No _FORTIFY_SOURCE: its __*_chk symbols are glibc's alone, and musl programs inherit the preload.
CFLAGS ?= -O2 -g
LDFLAGS ?=
FLAGS := -std=c11 $(CFLAGS) $(WARNINGS) -fvisibility=hidden -fPIC -U_FORTIFY_SOURCE \
         -fno-stack-protector -fno-plt -I. -Iinclude
# One mapping for code and constants (noseparate-code), and calls of libc without stubs (no-plt): a
# forked child faults in fewer pages.
# Another linker than GNU's may know none of these.
GNU_LINK ?= -Wl,-z,noseparate-code,--sort-section=name,--exclude-libs,ALL
UNWINDER ?= -static-libgcc
SHIM_LINK := -shared $(GNU_LINK) -Wl,-z,defs,-z,now,-z,relro,-z,nodelete,-z,noexecstack -Wl,-Bsymbolic \
             -Wl,--hash-style=gnu -Wl,-soname,libforkpolicy.so

POLICY := $(wildcard policy/*.c)
COMMON := $(wildcard common/*.c)
SHIM := $(wildcard shim/*/*.c shim/*/*.S)
CLI := $(wildcard cli/*.c cli/*/*.c) $(wildcard cli/*/*.S)
LOADS := $(wildcard loader/*/*.c)
objects = $(patsubst %,$(BUILD)/obj/%.o,$(basename $(1)))
LIBRARY := $(BUILD)/libforkpolicy.so
AMPLIFIER := $(BUILD)/libforkamplify.so
LOADER := $(BUILD)/libforkloader.so
PROGRAM := $(BUILD)/forkpolicy

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.PHONY: all help programs clean distclean

all: $(LIBRARY) $(AMPLIFIER) $(LOADER) $(PROGRAM) ## build the shim and the program into build/

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | \
	    awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

# The recorded runs behind the table, for the program and for docs/runtimes.md.
KNOWLEDGE := tools/runtimes.py tools/telling.py tools/known.py tests/knowledge/results.py \
             tests/knowledge/results.jsonl

include setup.mk tests.mk ship.mk

# make V=1 shows the commands.
Q := $(if $(V),,@)
say = @mkdir -p $(@D); echo "$(1) $@"

$(BUILD)/obj/%.o: %.c | packages
	$(call say,compile)
	$(Q)$(CC) $(FLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/obj/%.o: %.S | packages
	$(call say,compile)
	$(Q)$(CC) $(FLAGS) -c -o $@ $<

# Packages that the shim carries as one text.
$(BUILD)/resets.py: $(wildcard python/forkpolicy/resets/*.py)
$(BUILD)/start.py: $(wildcard python/forkpolicy/start/*.py)
$(BUILD)/resets.py $(BUILD)/start.py: tools/embed_package.py
	$(call say,make)
	$(Q)$(PYTHON) -B $< $(filter-out $<,$^) > $@

$(BUILD)/obj/shim/python/embed.o: shim/python/embed.S python/forkpolicy/error.py python/forkpolicy/hand_over.py $(BUILD)/resets.py $(BUILD)/start.py
	$(call say,compile)
	$(Q)$(CC) $(FLAGS) -Wa,-I$(BUILD) -c -o $@ $<

# The words of policy/, for those who say them without C.
WORDS := tools/words.py tools/tables.py common/version.h $(wildcard policy/*.def)
$(BUILD)/words.js: $(WORDS)
	$(call say,make)
	$(Q)$(PYTHON) -B $< javascript > $@

.PHONY: words
words: $(WORDS) ## renew python/forkpolicy/words.py, which the tests compare with the tables
	$(Q)$(PYTHON) -B $< python > python/forkpolicy/words.py

$(BUILD)/obj/cli/report/page.o: cli/report/page.S $(BUILD)/words.js $(wildcard cli/report/page*.html cli/report/page*.css cli/report/page*.js)
	$(call say,compile)
	$(Q)$(CC) $(FLAGS) -Wa,-I$(BUILD) -c -o $@ $<

$(BUILD)/compile_known: tools/compile_known.c $(filter-out %decide.c,$(POLICY)) | packages
	$(call say,build)
	$(Q)$(HOSTCC) -std=c11 -O1 $(WARNINGS) -I. -o $@ $^

$(BUILD)/known.c: policy/known.policy $(BUILD)/compile_known
	$(call say,make)
	$(Q)$(BUILD)/compile_known $< > $@

$(BUILD)/obj/known.o: $(BUILD)/known.c
	$(call say,compile)
	$(Q)$(CC) $(FLAGS) -c -o $@ $<

$(BUILD)/runs.c: policy/known.policy $(KNOWLEDGE)
	$(call say,make)
	$(Q)$(PYTHON) -B tools/runtimes.py source > $@

$(BUILD)/obj/runs.o: $(BUILD)/runs.c
	$(call say,compile)
	$(Q)$(CC) $(FLAGS) -c -o $@ $<

# Made each time, renewed where it says something else.
.PHONY: look-at-commit
$(BUILD)/commit.c: look-at-commit
	$(Q)mkdir -p $(@D)
	$(Q)printf 'extern const char fp_commit[];\nconst char fp_commit[] = "%s";\n' \
	    "$$(sh packaging/commit.sh | cut -d' ' -f1)" > $@.new
	$(Q)if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

$(BUILD)/obj/commit.o: $(BUILD)/commit.c
	$(call say,compile)
	$(Q)$(CC) $(FLAGS) -c -o $@ $<

$(BUILD)/exports.map: shim/hooks/exports.map.in shim/hooks/hooks.def
	$(call say,make)
	$(Q)$(HOSTCC) -E -P -x c -I. -o $@ $<

# Beside what runs in the child (.text.child), in which fork returns.
$(BUILD)/obj/shim/fork/fork.o: FLAGS += -ffunction-sections

CORE := $(call objects,$(POLICY) $(COMMON)) $(BUILD)/obj/known.o

$(LIBRARY): $(call objects,$(SHIM)) $(CORE) $(BUILD)/exports.map
	$(call say,link)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $(SHIM_LINK) -Wl,--version-script=$(BUILD)/exports.map -o $@ \
	    $(filter %.o,$^) $(call static,libffi_pic.a) $(UNWINDER)

LOADER_LINK := -shared -Wl,-z,defs,-z,now,-z,relro,-z,noexecstack -Wl,-soname,libforkloader.so \
               -Wl,--version-script=loader/exports.map
$(LOADER): $(call objects,$(LOADS)) loader/exports.map
	$(call say,link)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $(LOADER_LINK) -o $@ $(filter %.o,$^) -lm -ldl

$(AMPLIFIER): amplify/amplify.c amplify/locks.def | packages
	$(call say,link)
	$(Q)$(CC) $(FLAGS) $(LDFLAGS) -shared -Wl,-z,defs,-z,now,-z,relro -o $@ $< -ldl

# Linked in, so that the program of a wheel needs nothing but libc. Debian's libunwind-ptrace.a is
# not made for position-independent programs.
PROGRAM_LIBRARIES := $(foreach name,jansson unwind-ptrace unwind-$(ARCH) unwind lzma z,$(call static,lib$(name).a))
$(PROGRAM): $(call objects,$(CLI)) $(CORE) $(BUILD)/obj/runs.o $(BUILD)/obj/commit.o
	$(call say,link)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -no-pie -o $@ $^ $(PROGRAM_LIBRARIES)

# The small programs that the tests run under the shim; one of several files has a folder.
FOLDERS := $(patsubst tests/prog/%/main.c,%,$(wildcard tests/prog/*/main.c))
HOSTS := $(FOLDERS:%=$(BUILD)/prog/%) $(patsubst tests/prog/%.c,$(BUILD)/prog/%,$(wildcard tests/prog/*.c)) \
         $(patsubst tests/prog/%.cc,$(BUILD)/prog/%,$(wildcard tests/prog/*.cc)) \
         $(patsubst tests/prog/lib/%.c,$(BUILD)/prog/lib%.so,$(wildcard tests/prog/lib/*.c)) \
         $(patsubst tests/prog/lib/%.cc,$(BUILD)/prog/lib%.so,$(wildcard tests/prog/lib/*.cc))
programs: $(HOSTS) $(BUILD)/examples/runtime

$(BUILD)/examples/runtime: examples/runtime/runtime.c include/forkpolicy.h | packages
	$(call say,build)
	$(Q)$(CC) -std=c11 -O2 -g $(WARNINGS) -Iinclude -pthread -o $@ $<

$(foreach each,$(FOLDERS),$(eval $(BUILD)/prog/$(each): $(wildcard tests/prog/$(each)/*.[ch])))
$(FOLDERS:%=$(BUILD)/prog/%): tests/prog/host.h | packages
	$(call say,build)
	$(Q)$(CC) -std=gnu11 -O2 -g -Wall -Wextra -pthread -o $@ $(filter %.c,$^) -lrt

$(BUILD)/prog/%: tests/prog/%.c | packages
	$(call say,build)
	$(Q)$(CC) -std=gnu11 -O2 -g -Wall -Wextra -Iinclude -pthread -o $@ $< -ldl -lutil -lrt

$(BUILD)/prog/%: tests/prog/%.cc | packages
	$(call say,build)
	$(Q)$(CXX) -O2 -g -Wall -Wextra -pthread -o $@ $< -ldl

$(BUILD)/prog/lib%.so: tests/prog/lib/%.c | packages
	$(call say,build)
	$(Q)$(CC) -std=gnu11 -O2 -g -Wall -Wextra -Iinclude -pthread -fPIC -shared $(LIB_FLAGS) -o $@ $<

$(BUILD)/prog/libtextrel.so: LIB_FLAGS := -fno-pic -mcmodel=large -Wl,-z,notext

$(BUILD)/prog/lib%.so: tests/prog/lib/%.cc | packages
	$(call say,build)
	$(Q)$(CXX) -O2 -g -Wall -Wextra -pthread -fPIC -shared -o $@ $<

-include $(wildcard $(BUILD)/obj/*/*.d $(BUILD)/obj/*/*/*.d)

# From the tables that the program is made of, too.
TABLES := tools/tables.py common/version.h $(wildcard cli/*.def policy/*.def)
MAN := $(patsubst docs/man/%.in,$(BUILD)/man/%,$(wildcard docs/man/*.in))
COMPLETIONS := $(addprefix $(BUILD)/completions/,bash zsh fish)
.PHONY: man completions
man: $(MAN) ## the manual pages
completions: $(COMPLETIONS) ## what completes command lines in bash, zsh and fish

$(BUILD)/man/%: docs/man/%.in tools/make_man.py $(TABLES)
	$(call say,make)
	$(Q)$(PYTHON) -B tools/make_man.py $< > $@

$(COMPLETIONS): tools/completions.py $(TABLES)
	$(call say,make)
	$(Q)$(PYTHON) -B tools/completions.py $(@F) > $@

clean: ## remove what was built, keep the Python environments
	rm -rf $(BUILD)/obj $(BUILD)/unit $(BUILD)/asan $(BUILD)/prog $(BUILD)/examples $(BUILD)/fuzz $(LIBRARY) \
	    $(BUILD)/man $(BUILD)/completions $(BUILD)/words.js \
	    $(PROGRAM) $(BUILD)/compile_known $(BUILD)/known.c $(BUILD)/commit.c $(BUILD)/exports.map

distclean: ## remove everything that make made
	rm -rf $(BUILD)
