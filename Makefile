# Thin: a recipe's line is one call of a function in ci/build/ or of a script that a person can call
# too. The first one that fails ends the target.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := hello
CI := . ci/build/functions.sh;
PYTHON := build/venv/bin/python
unexport PYTHON # a person's own would get this value, and MicroPython's make would call it
WITH_SIMULATOR := PYTHONPATH=boards/sim/host:. $(PYTHON)
RUN_TESTS := $(PYTHON) -m tests.run

BOARD ?= mpython

.PHONY: hello
hello: ## greet, as make alone does
	@cat ci/hello.txt

.PHONY: help
help: ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 25

.PHONY: boards
boards: ## list the boards; JSON=1 for a CI matrix
	@python3 -m ci.boards $(if $(JSON),--matrix)

.PHONY: run
run: ## simulate a board: BOARD=bpi-bit SECONDS=15 BROKER=host:port USER= TLS=1 CONFIG=my.json PTY=1
	@$(CI) ci_prepare_run "$(BOARD)" "$(SECONDS)"
	@$(CI) ci_play --board "$(BOARD)" \
		$(if $(SECONDS),--seconds "$(SECONDS)") $(if $(BROKER),--broker "$(BROKER)") $(if $(TLS),--tls "$(TLS)") \
		$(if $(filter command line,$(origin USER)),--user "$(USER)") $(if $(CONFIG),--config "$(CONFIG)") $(if $(PTY),--pty)

.PHONY: test
test: lint ## run every test, installing what that needs
	@$(CI) ci_prepare_tests
	@$(RUN_TESTS) $(TESTS)
	@$(if $(TESTS),,$(PYTHON) -m ci.release.checks --tested)

.PHONY: test-mcu
test-mcu: ## run the matcher and umqtt on an emulated Cortex-M3 (a part of test)
	@$(CI) ci_prepare_mcu_tests
	@$(RUN_TESTS) tests/topicmatch/mcu tests/umqtt/mcu

.PHONY: test-browser
test-browser: ## try what people use: a real browser, Chromium, and Thonny; TESTS=tests/page
	@$(CI) ci_prepare_browser_tests
	@$(RUN_TESTS) -n 3 -m browser $(TESTS)

.PHONY: test-ha
test-ha: ## try the boards with a real Home Assistant, which is installed in build/; TESTS= for some
	@$(CI) ci_prepare_home_assistant
	@$(CI) ci_test_home_assistant $(or $(TESTS),tests/home_assistant)

.PHONY: test-brokers
test-brokers: ## try client and board with every broker that the registries have; TESTS= for some
	@$(CI) ci_prepare_brokers
	@$(RUN_TESTS) -n 2 -m brokers $(or $(TESTS),tests/brokers)

.PHONY: test-tutorials
test-tutorials: ## run the makers' tutorials word for word; TUTORIALS=folder with their texts
	@$(CI) ci_prepare_simulators
	@TUTORIALS="$(TUTORIALS)" $(WITH_SIMULATOR) -m tests.tutorials.texts
	@TUTORIALS="$(TUTORIALS)" $(RUN_TESTS) -m makers tests/tutorials

.PHONY: test-workflows
test-workflows: ## play the workflows of .github, on machines like GitHub's; FULL=1 with every test
	@$(CI) ci_prepare_workflows
	@$(PYTHON) -m tests.workflows.play $(if $(FULL),--full)

.PHONY: test-targets
test-targets: ## try every target in a fresh clone, in its shortest form; TARGETS="bench put" for some
	@$(CI) ci_install_group test
	@$(PYTHON) -m tests.targets $(TARGETS)

.PHONY: test-class
test-class: ## update a class of thirty simulated boards over the air (a part of test does three)
	@$(CI) ci_prepare_simulators
	@BOARDS=30 $(RUN_TESTS) -n 0 tests/device/faults/test_class_update.py -k class_is_updated

.PHONY: fuzz
fuzz: ## fuzz the topic matcher, the MQTT session and updates: SECONDS=300 FUZZ=topicmatch, umqtt or update
	@$(CI) ci_fuzz "$(or $(SECONDS),300)" $(FUZZ)

.PHONY: bench
bench: ## measure, and end with one line a goal; BENCH=topicmatch for one subject
	@$(CI) ci_prepare_bench $(BENCH)
	@$(WITH_SIMULATOR) -m benchmarks $(BENCH)

.PHONY: faults
faults: ## run the fault tests in their long form (about 10 minutes)
	@$(CI) ci_prepare_simulators
	@FULL=1 $(RUN_TESTS) tests/umqtt/faults tests/device/faults

.PHONY: soak
soak: ## soak a board in random faults: HOURS=8 SEED=1; 5 minutes if no HOURS
	@$(CI) ci_prepare_soak "$(HOURS)" "$(SEED)"
	@$(WITH_SIMULATOR) -m tests.device.faults.soak --plot build/faults/soak.png $(if $(HOURS),--hours "$(HOURS)") $(if $(SEED),--seed "$(SEED)")

.PHONY: swarm
swarm: ## so many boards and one broker: BOARDS=200; a table, and a plot in build/swarm
	@$(CI) ci_prepare_simulators
	@$(WITH_SIMULATOR) -m benchmarks.swarm $(if $(BOARDS),--boards "$(BOARDS)")

.PHONY: lint
lint: ## check the formatting of Python and C, shell scripts, words, and the messages of commits
	@$(CI) ci_lint
	@$(PYTHON) -m ci.lint.words
	@$(PYTHON) -m ci.lint.commits

.PHONY: format
format: ## format Python and C
	@$(CI) ci_format

.PHONY: docs
docs: ## make the site of the pages: build/docs/index.html
	@$(CI) ci_install_group docs
	@$(PYTHON) -m sphinx --quiet --fail-on-warning --keep-going --conf-dir docs --doctree-dir build/doctrees . build/docs
	@echo "The site is in build/docs/index.html"

.PHONY: docs-config
docs-config: ## write the schema and the table of config.json's keys from their rules
	@python3 -m ci.board.config_docs

# Boards. BOARD= names one; PORT= is needed only where more than one is plugged in.

TOOLS := $(CI) ci_install_group image

.PHONY: build
build: ## build a board's firmware and its files in dist/, with Docker or ESP-IDF: BOARD=bpi-bit
	@ci/build/build.sh "$(BOARD)"

.PHONY: check
check: ## check a board as far as no compiler for its chip is needed (a part of build)
	@ci/build/check.sh "$(BOARD)"

.PHONY: ota-key
ota-key: ## make a key that signs images for updates over the air: KEY=file
	@$(TOOLS)
	@$(PYTHON) -m ci.image.signing --key "$(KEY)"

.PHONY: image
image: ## make the files in dist/ again; CONFIG=class.json [FILE=a-factory.bin]: a class's private image
	@$(TOOLS)
	@$(PYTHON) -m $(if $(CONFIG),ci.image.class_image "$(BOARD)" --config "$(CONFIG)" --file "$(FILE)",ci.image.images "$(BOARD)")

.PHONY: flash
flash: ## write an image to a board and keep its files; FACTORY=1 erases them; FILE=image.bin PORT=
	@$(TOOLS)
	@$(PYTHON) -m ci.board.flash "$(BOARD)" --port "$(PORT)" --file "$(FILE)" $(if $(FACTORY),--factory)

.PHONY: erase
erase: ## erase a board's whole flash
	@$(TOOLS)
	@$(PYTHON) -m ci.board.erase "$(BOARD)" --port "$(PORT)"

.PHONY: monitor
monitor: ## show what a board prints, and type to it; Ctrl-] ends
	@$(TOOLS)
	@$(PYTHON) -m ci.board.monitor --port "$(PORT)"

.PHONY: config
config: ## fill in a board's config.json; FILE=my.json [WATCH=1] [CSV=class.csv] for many; SHOW=1 prints it
	@$(TOOLS)
	@$(PYTHON) -m $(if $(WATCH)$(CSV),ci.board.class_set --csv "$(CSV)",ci.board.configure $(if $(SHOW),--show)) \
		--port "$(PORT)" --file "$(FILE)"

.PHONY: put
put: ## copy a file to a board and restart it: FILE=lamp.py AS=/handlers.py
	@$(TOOLS)
	@$(PYTHON) -m ci.board.put --port "$(PORT)" --file "$(FILE)" --as "$(AS)"

.PHONY: files
files: ## list the files on a board
	@$(TOOLS)
	@$(PYTHON) -m ci.board.files --port "$(PORT)"

OTA := $(PYTHON) -m ci.board.ota "$(BOARD)" --broker "$(BROKER)" --file "$(FILE)" --url "$(URL)" --key "$(KEY)" --tls "$(TLS)" \
	$(if $(filter command line,$(origin USER)),--user "$(USER)")

.PHONY: ota
ota: ## update boards over the air: BROKER=host[:port] ID= or ALL=1, or LIST=1; FILE= URL= AT_ONCE=4 USER= TLS=1
	@$(TOOLS)
	@$(OTA) --id "$(ID)" --at-once "$(AT_ONCE)" $(if $(ALL),--all) $(if $(LIST),--list) \
		$(if $(KEEP_GOING),--keep-going) $(if $(AGAIN),--again)

.PHONY: offer
offer: ## offer an image to boards, for Home Assistant's button: BROKER=host URL=http://...-app.bin; NONE=1
	@$(TOOLS)
	@$(OTA) --offer $(if $(NONE),--none)

.PHONY: font
font: ## make the font of mPython's display again, from Debian's package of GNU Unifont
	@$(CI) ci_make_font

.PHONY: smoke
smoke: ## boot an image in an emulator: QEMU=/path/to/qemu-system-xtensa
	@$(TOOLS)
	@$(PYTHON) -m ci.smoke "$(BOARD)" --qemu "$(or $(QEMU),qemu-system-xtensa)" --file "$(FILE)"

.PHONY: version
version: ## print the firmware's version
	@python3 -m ci.build.version

.PHONY: release
release: release-check page ## build and collect all boards' files and the page in dist/, with the notes
	@ci/release/build_all.sh
	@$(PYTHON) -m ci.release.checks --collect

.PHONY: release-check
release-check: ## refuse a tree that must not be released
	@$(TOOLS)
	@$(PYTHON) -m ci.release.checks --check

.PHONY: release-collect
release-collect: page ## put the page into dist/, check that it is complete, and write the notes to it
	@$(TOOLS)
	@$(PYTHON) -m ci.release.checks --collect

.PHONY: installer
installer: page ## put the release in dist/ beside the page, which installs it
	@$(TOOLS)
	@$(PYTHON) -m ci.release.installer

.PHONY: page
page: ## make the page that shows the boards: build/page/index.html
	@$(CI) ci_build_page
	@echo "build/page/index.html is ready: open it in a browser"

.PHONY: clean
clean: ## remove everything that was built or fetched
	rm -rf build dist
