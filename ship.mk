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
	@sh packaging/wheels/build.sh $* $(SHIP) $(BUILD)/wheels
