# Thin: every target calls a function of ci/functions.sh or a script that a person can call too.

SHELL := /bin/bash
.DEFAULT_GOAL := help
CI := . ci/functions.sh && . ci/mcu.sh &&
PYTHON := build/venv/bin/python

BOARD ?= mpython

.PHONY: help
help: ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 22

.PHONY: boards
boards: ## list the boards
	@$(CI) ci_list_boards

.PHONY: run
run: ## simulate a board against a broker: BOARD=bpi-bit SECONDS=15 BROKER=host:port
	@$(CI) ci_check_board "$(BOARD)" && ci_install_group run && ci_build_simulator "$(BOARD)"
	@$(PYTHON) boards/sim/host/remote_light.py --board "$(BOARD)" $(if $(SECONDS),--seconds "$(SECONDS)") $(if $(BROKER),--broker "$(BROKER)")

.PHONY: test
test: lint ## run every test, installing what that needs
	@$(CI) ci_prepare_tests && ci_prepare_matcher_tests
	@$(PYTHON) -m pytest $(TESTS)

.PHONY: test-mcu
test-mcu: ## run the matcher's tests on an emulated Cortex-M3 (a part of test)
	@$(CI) ci_install_group test && ci_build_mcu
	@$(PYTHON) -m pytest tests/mcu

.PHONY: fuzz
fuzz: ## fuzz the topic matcher: SECONDS=300
	@$(CI) ci_fuzz $(or $(SECONDS),300)

.PHONY: lint
lint: ## check the formatting of Python and C
	@$(CI) ci_install_group test && ci_check_format

.PHONY: format
format: ## format Python and C
	@$(CI) ci_install_group test && ci_format

.PHONY: clean
clean: ## remove everything that was built or fetched
	rm -rf build dist
