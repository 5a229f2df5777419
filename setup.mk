# Setting up: system packages and Python environments. Idempotent: what is there is skipped.

PACKAGES := gcc g++ libc6-dev python3-venv libxxhash-dev libffi-dev libjansson-dev libunwind-dev liblzma-dev \
            zlib1g-dev uthash-dev libsqlite3-dev libcriterion-dev strace gdb clang clang-format \
            clang-tidy musl-tools man-db mandoc zsh fish chromium
.PHONY: packages environments

packages: $(BUILD)/.packages

$(BUILD)/.packages: setup.mk
	@mkdir -p $(BUILD)
	@sh tools/install-packages.sh $(PACKAGES)
	@touch $@

# One environment for each file in tests/requirements: the wheels that the tests and the demo use.
ENVIRONMENTS := $(patsubst tests/requirements/%.txt,$(BUILD)/venv/%,$(wildcard tests/requirements/*.txt))

environments: $(ENVIRONMENTS:=/.ready) ## the Python environments of tests and demo

$(BUILD)/venv/%/.ready: tests/requirements/%.txt
	@echo "setting up $(BUILD)/venv/$* ($<)"
	@$(PYTHON) -m venv $(BUILD)/venv/$*
	@$(BUILD)/venv/$*/bin/python -m pip install --disable-pip-version-check --no-input \
	    -r $<
	@touch $@
