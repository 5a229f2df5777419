# Shipping: wheels for older systems and other machines, and what shows that they work there.

SHIP := $(BUILD)/venv/ship
MACHINES := x86_64 aarch64
.PHONY: wheels

$(SHIP)/.ready: packaging/wheels/requirements.txt
	@$(PYTHON) -m venv $(SHIP)
	@$(SHIP)/bin/python -m pip install --disable-pip-version-check --no-input -q -r $<
	@touch $@

$(BUILD)/wheels/%/dependencies/.ready: packaging/wheels/dependencies.sh
	@sh $< $* $(@D)
	@touch $@

.PRECIOUS: $(BUILD)/wheels/%/dependencies/.ready
wheels: $(MACHINES:%=wheel-%) ## wheels for x86-64 and aarch64, glibc 2.17 and later
wheel-%: $(SHIP)/.ready $(BUILD)/wheels/%/dependencies/.ready
	@sh tools/install-packages.sh elfutils
	@sh packaging/wheels/build.sh $* $(SHIP) $(BUILD)/wheels

.PHONY: sdist
sdist: $(SHIP)/.ready ## the source distribution, in build/wheels
	@mkdir -p $(BUILD)/wheels
	@$(SHIP)/bin/python -c "from setuptools import build_meta; build_meta.build_sdist('$(abspath $(BUILD))/wheels')" >$(BUILD)/wheels/sdist.log

# Roots take some 600 MB each; as root. Not part of `make test`.
ROOTS ?= $(BUILD)/roots
SUITES ?= bullseye bookworm trixie sid
PYTHONS ?=
X86_WHEEL = $(wildcard $(BUILD)/wheels/forkpolicy-*-manylinux_2_17_x86_64.*.whl)
.PHONY: matrix matrix-preload
.PRECIOUS: $(ROOTS)/%/.ready
$(ROOTS)/%/.ready: packaging/matrix/root.sh
	@sh tools/install-packages.sh debootstrap
	@sh $< $* $(@D)
	@touch $@

matrix: $(SUITES:%=$(ROOTS)/%/.ready) wheel-x86_64 ## the wheel in roots of Debian and under PYTHONS, every policy
	$(PYTHON) packaging/matrix/matrix.py $(X86_WHEEL) $(ROOTS) $(PYTHONS)

matrix-preload: $(SUITES:%=$(ROOTS)/%/.ready) wheel-x86_64 ## tests/preload in those roots
	for suite in $(SUITES); do sh packaging/matrix/preload.sh $(ROOTS)/$$suite $(X86_WHEEL) || exit 1; done

# Where the tools of docs/recipes.md are.
RECIPES ?= $(BUILD)/venv/recipes
$(RECIPES)/.ready: tests/ship/recipes.txt
	@$(PYTHON) -m venv $(@D)
	@$(@D)/bin/python -m pip install --disable-pip-version-check --no-input -q -r $<
	@touch $@

.PHONY: newcomer recipes
newcomer: $(ROOTS)/bullseye/.ready wheel-x86_64 environments ## what the docs say to type, in a root of Debian 11 that has Python and pip
	ROOT=$(ROOTS)/bullseye WHEEL=$(X86_WHEEL) $(PYTEST) tests/ship/test_newcomer.py

recipes: $(RECIPES)/.ready wheel-x86_64 environments ## docs/recipes.md, under the tools themselves
	RECIPES=$(RECIPES) WHEEL=$(X86_WHEEL) $(PYTEST) tests/ship/test_recipes.py

.PHONY: deb
deb: ## a package for this release of Debian, in build/deb
	@sh tools/install-packages.sh debhelper lintian
	@sh packaging/debian/build.sh $(BUILD)/deb

$(BUILD)/venv/conda/.ready: packaging/conda/requirements.txt
	@$(PYTHON) -m venv $(@D)
	@$(@D)/bin/python -m pip install --disable-pip-version-check --no-input -q -r $<
	@touch $@

.PHONY: conda
conda: $(BUILD)/venv/conda/.ready sdist ## the recipe for conda, tried without its channels, in build/conda
	@rm -rf $(BUILD)/conda
	$(BUILD)/venv/conda/bin/python packaging/conda/try.py "$$(ls $(BUILD)/wheels/forkpolicy-*.tar.gz)" $(BUILD)/conda

# The site, of the Markdown in docs/. What it shows needs no network.
$(BUILD)/venv/docs/.ready: packaging/docs/requirements.txt
	@$(PYTHON) -m venv $(@D)
	@$(@D)/bin/python -m pip install --disable-pip-version-check --no-input -q -r $<
	@touch $@

.PHONY: docs
docs: $(BUILD)/venv/docs/.ready ## the documentation as a site, in build/site
	NO_MKDOCS_2_WARNING=1 $(BUILD)/venv/docs/bin/mkdocs -q build --strict -f packaging/docs/mkdocs.yml -d $(abspath $(BUILD))/site
