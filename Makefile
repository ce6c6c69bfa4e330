# SPDX-License-Identifier: Apache-2.0
# duplofs: `make` builds build/duplofs; `make run` shows it; `make test` proves it. `make help` lists the rest.

BUILD ?= release
CC ?= gcc
CLANG ?= clang
PREFIX ?= /usr/local
VERSION := 0.1.0

MODULES := fuse3 libcurl jansson openssl sqlite3 expat
OUT := build/$(BUILD)

CPPFLAGS := -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DDUPLOFS_VERSION='"$(VERSION)"' -Ibackend -I.
WARNINGS := -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla \
	-Wpointer-arith -Wwrite-strings -Wformat=2 -Wno-error=deprecated-declarations
CFLAGS_common := -std=gnu11 -g -pthread -fno-omit-frame-pointer $(WARNINGS)
CFLAGS_release := -O2 -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE
# Locks are taken in order; whatever changes the store may run twice.
CHECKS := -DDUPLOFS_LOCK_CHECK -DDUPLOFS_REHEARSE
CFLAGS_debug := -O1 -Werror $(CHECKS)
CFLAGS_asan := -O1 -Werror -fsanitize=address,undefined -fno-sanitize-recover=undefined $(CHECKS)
CFLAGS_tsan := -O1 -Werror -fsanitize=thread
CFLAGS_cov := -O0 --coverage
CFLAGS_fuzz := -O1 -fsanitize=fuzzer-no-link,address,undefined
LDFLAGS_release := -pie -Wl,-z,relro,-z,now
LDFLAGS_asan := -fsanitize=address,undefined
LDFLAGS_tsan := -fsanitize=thread
LDFLAGS_cov := --coverage
LDFLAGS_fuzz := -fsanitize=fuzzer,address,undefined
ifeq ($(BUILD),fuzz)
CC := $(CLANG)
endif

# package:program also counts as there when the program is (a Docker of another origin, say).
DEPS_BUILD := gcc libc6-dev make pkg-config libfuse3-dev libcurl4-openssl-dev libjansson-dev \
	libssl-dev libsqlite3-dev libexpat1-dev
DEPS_RUN := fuse3 docker.io:dockerd haproxy:haproxy dnsmasq-base:dnsmasq iptables:iptables curl:curl jq:jq \
	bind9-dnsutils:dig ca-certificates
DEPS_TEST := libcmocka-dev perl python3 python3-jsonschema procps iproute2 busybox-static clang-format \
	python3-venv shellcheck mandoc openssl zsh ed vim nano emacs-nox moreutils patch rsync git \
	inotify-tools e2fsprogs docker-registry wrk docker-compose

comma := ,

# V=1 shows whole commands instead of a word and the file.
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-4s %s\n' $(1) $@)

# Only asked for once the libraries are there: `make deps` must work before.
PKG = $(eval PKG := $$(shell pkg-config --cflags $(MODULES)))$(PKG)
LIBS = $(eval LIBS := $$(shell pkg-config --libs $(MODULES)) -lm)$(LIBS)

SOURCES := $(filter-out backend/agent/%,$(sort $(shell find backend fs -name '*.c')))
OBJECTS := $(SOURCES:%.c=$(OUT)/%.o)
LIBRARY := $(OUT)/libduplofs.a
UNIT_SOURCES := $(wildcard tests/unit/test_*.c)
UNIT_TESTS := $(UNIT_SOURCES:%.c=$(OUT)/%)
UNIT_SHARED := $(patsubst %.c,$(OUT)/%.o,$(filter-out $(UNIT_SOURCES),$(wildcard tests/unit/*.c)))
FUZZ_SOURCES := $(wildcard tests/fuzz/fuzz_*.c)
FUZZERS := $(FUZZ_SOURCES:%.c=$(OUT)/%)
FUZZ_SHARED := $(patsubst %.c,$(OUT)/%.o,$(filter-out $(FUZZ_SOURCES) tests/fuzz/replay.c,$(wildcard tests/fuzz/*.c)))
BENCH_SOURCES := $(wildcard tests/bench/*.c)
BENCHES := $(BENCH_SOURCES:%.c=$(OUT)/%)
FSX := $(OUT)/tests/conformance/fsx
HELLO_SOURCES := $(wildcard examples/hello/*.c)

# Builds from within a recipe: on all processors, unless the caller has said how many.
SUBMAKE = $(MAKE) --no-print-directory $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(shell nproc))

all: build/duplofs ## Build build/duplofs (BUILD=release|debug|asan|tsan|cov)

build/duplofs: $(OUT)/duplofs FORCE
	@ln -sfn $(BUILD)/duplofs $@

$(OUT)/duplofs: $(OUT)/fs/main.o $(LIBRARY)
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS_common) $(LDFLAGS_$(BUILD)) -o $@ $^ $(LIBS)

$(LIBRARY): $(filter-out $(OUT)/fs/main.o,$(OBJECTS))
	$(call say,AR)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

$(OUT)/%.o: %.c
	$(call say,CC)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(PKG) $(CFLAGS_common) $(CFLAGS_$(BUILD)) -MMD -MP -c -o $@ $<

# What runs on hosts whose files we cannot reach: a program that needs nothing there, carried by ours.
AGENT := $(OUT)/backend/agent/agent
$(AGENT): backend/agent/agent.c
	$(call say,CC)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_common) -D_GNU_SOURCE -Os -static -s -o $@ $<

$(OUT)/backend/engine/agent.o: $(AGENT)
$(OUT)/backend/engine/agent.o: CPPFLAGS += -DAGENT_FILE='"$(AGENT)"'

# A test that makes allocations fail leads them through itself.
LDFLAGS_test_model_memory := $(addprefix -Wl$(comma)--wrap=,malloc calloc realloc strdup vasprintf)

$(OUT)/tests/unit/%: $(OUT)/tests/unit/%.o $(UNIT_SHARED) $(LIBRARY)
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS_common) $(LDFLAGS_$(BUILD)) $(LDFLAGS_$(*F)) -o $@ $^ $(LIBS) -lcmocka

$(OUT)/tests/bench/%: $(OUT)/tests/bench/%.o $(LIBRARY)
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS_common) $(LDFLAGS_$(BUILD)) -o $@ $^ $(LIBS)

# With BUILD=fuzz a libFuzzer program; else one that replays its corpus and reports in TAP.
FUZZ_MAIN = $(if $(filter fuzz,$(BUILD)),,$(OUT)/tests/fuzz/replay.o)
$(OUT)/tests/fuzz/fuzz_%: $(OUT)/tests/fuzz/fuzz_%.o $(FUZZ_SHARED) $(OUT)/tests/fuzz/replay.o $(LIBRARY)
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS_common) $(LDFLAGS_$(BUILD)) -o $@ $< $(FUZZ_SHARED) $(FUZZ_MAIN) $(LIBRARY) $(LIBS)

$(FSX): tests/conformance/fsx.c
	$(call say,CC)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS_common) -O2 -o $@ $<

build/hello: $(HELLO_SOURCES) examples/hello/hello.h
	$(call say,CC)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_common) -D_GNU_SOURCE -O2 -static -s -o $@ $(HELLO_SOURCES)

unit: $(UNIT_TESTS) $(FUZZERS)
fuzzers: $(FUZZERS)
benches: $(BENCHES)
programs: $(OUT)/duplofs $(FSX) build/hello

deps: ## Install what building and running need (apt, only what is missing)
	@examples/demo/deps.sh $(DEPS_BUILD) $(DEPS_RUN)

test-deps: deps ## Install what the tests need on top
	@examples/demo/deps.sh $(DEPS_TEST)
	@tests/aws/setup.sh build/test-aws

run: deps ## Show the main job: a spec in, a running service out; leaves /duplo mounted
	@$(SUBMAKE) all build/hello
	@examples/demo/run.sh

stop: ## Unmount /duplo; stop dockerd when `make run` started it (PURGE=1: undeploy the demo first)
	@examples/demo/stop.sh $(if $(PURGE),purge)

test: test-deps ## Run every test against real parts
	@$(SUBMAKE) BUILD=debug unit
	@$(SUBMAKE) all programs
	@tests/run.sh release debug

kills: test-deps ## Kill the worker KILLS (200) times under load, and count failed calls
	@$(SUBMAKE) all programs
	@KILLS=$(or $(KILLS),200) tests/run.sh release debug tests/e2e/kills.t

aws-kills: test-deps ## Kill the platform at every call to AWS that makes or removes a tenant
	@$(SUBMAKE) all programs
	@AWS_KILLS=all tests/run.sh release debug tests/e2e/aws-kills.t

asan tsan: test-deps ## Run unit and end-to-end tests under AddressSanitizer + UBSan, or ThreadSanitizer
	@$(SUBMAKE) BUILD=$@ unit programs
	@tests/run.sh $@ $@

coverage: test-deps ## Run unit and end-to-end tests and print which lines they reach
	@$(SUBMAKE) BUILD=cov unit programs
	@tests/coverage.sh

fuzz: test-deps ## Run each fuzzer for FUZZ_SECONDS (60)
	@examples/demo/deps.sh clang
	@$(SUBMAKE) BUILD=fuzz fuzzers
	@tests/fuzz/run.sh $(or $(FUZZ_SECONDS),60)

conformance: test-deps ## Run stress-ng's file system stressors and fsx under both sanitizers
	@examples/demo/deps.sh stress-ng
	@$(SUBMAKE) BUILD=asan programs
	@$(SUBMAKE) BUILD=tsan programs
	@prove -e '' tests/conformance/run.sh :: build/asan/duplofs
	@prove -e '' tests/conformance/run.sh :: build/tsan/duplofs

bench: test-deps ## Measure; ratios are against the bare parts in the same run
	@$(SUBMAKE) all programs benches
	@tests/bench/run.sh

lint: test-deps ## Check style, structure and documents, with the slow analyzers too
	@examples/demo/deps.sh cppcheck
	@LINT_SLOW=1 prove -e '' tests/lint/*.t

install: all ## Install the program, man pages and examples (PREFIX, DESTDIR)
	install -D -m 0755 $(OUT)/duplofs $(DESTDIR)$(PREFIX)/sbin/duplofs
	install -D -m 0644 -t $(DESTDIR)$(PREFIX)/share/man/man8 fs/man/duplofs.8
	install -D -m 0644 -t $(DESTDIR)$(PREFIX)/share/man/man5 fs/man/duplofs.5
	install -D -m 0644 -t $(DESTDIR)$(PREFIX)/share/doc/duplofs README.md LICENSE examples/fstab
	sed 's|/usr/local/sbin/|$(PREFIX)/sbin/|' examples/systemd/duplofs.service \
		>$(DESTDIR)$(PREFIX)/share/doc/duplofs/duplofs.service

uninstall: ## Remove what install put there
	rm -f $(DESTDIR)$(PREFIX)/sbin/duplofs $(DESTDIR)$(PREFIX)/share/man/man[58]/duplofs.[58]
	rm -rf $(DESTDIR)$(PREFIX)/share/doc/duplofs

clean: ## Remove build/
	rm -rf build

help: ## This list
	@awk -F ':[^#]*## ' '/^[a-z][a-z -]*:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

-include $(OBJECTS:.o=.d) $(UNIT_SHARED:.o=.d) $(UNIT_TESTS:=.d) $(FUZZERS:=.d) $(FUZZ_SHARED:.o=.d) $(BENCHES:=.d)

FORCE:
.PHONY: all kills aws-kills unit fuzzers benches programs deps test-deps run stop test asan tsan coverage fuzz conformance bench lint install uninstall clean help FORCE
.PRECIOUS: $(OUT)/%.o
