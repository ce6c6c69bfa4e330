# SPDX-License-Identifier: Apache-2.0
# duplofs: `make` builds build/duplofs; `make run` shows it; `make test` proves it. `make help` lists the rest.

BUILD ?= release
CC ?= gcc
PREFIX ?= /usr/local
VERSION := 0.1.0

MODULES := fuse3 libcurl jansson openssl sqlite3
OUT := build/$(BUILD)

CPPFLAGS := -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DDUPLOFS_VERSION='"$(VERSION)"' -Ibackend -I.
WARNINGS := -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla \
	-Wpointer-arith -Wwrite-strings -Wformat=2 -Wno-error=deprecated-declarations
CFLAGS_common := -std=gnu11 -g -pthread -fno-omit-frame-pointer $(WARNINGS)
CFLAGS_release := -O2 -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE
CFLAGS_debug := -O1 -Werror -DDUPLOFS_LOCK_CHECK
CFLAGS_asan := -O1 -Werror -fsanitize=address,undefined -fno-sanitize-recover=undefined -DDUPLOFS_LOCK_CHECK
CFLAGS_tsan := -O1 -Werror -fsanitize=thread
CFLAGS_cov := -O0 --coverage
LDFLAGS_release := -pie -Wl,-z,relro,-z,now
LDFLAGS_asan := -fsanitize=address,undefined
LDFLAGS_tsan := -fsanitize=thread
LDFLAGS_cov := --coverage

# Only asked for once the libraries are there: `make deps` must work before.
PKG = $(eval PKG := $$(shell pkg-config --cflags $(MODULES)))$(PKG)
LIBS = $(eval LIBS := $$(shell pkg-config --libs $(MODULES)))$(LIBS)

SOURCES := $(wildcard fs/*.c backend/*/*.c backend/*/*/*.c)
OBJECTS := $(SOURCES:%.c=$(OUT)/%.o)
LIBRARY := $(OUT)/libduplofs.a
UNIT_SOURCES := $(wildcard tests/unit/test_*.c)
UNIT_TESTS := $(UNIT_SOURCES:%.c=$(OUT)/%)

all: build/duplofs

build/duplofs: $(OUT)/duplofs
	@ln -sfn $(BUILD)/duplofs $@

$(OUT)/duplofs: $(OUT)/fs/main.o $(LIBRARY)
	$(CC) $(CFLAGS_common) $(LDFLAGS_$(BUILD)) -o $@ $^ $(LIBS)

$(LIBRARY): $(filter-out $(OUT)/fs/main.o,$(OBJECTS))
	@rm -f $@
	$(AR) rcs $@ $^

$(OUT)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(PKG) $(CFLAGS_common) $(CFLAGS_$(BUILD)) -MMD -MP -c -o $@ $<

$(OUT)/tests/unit/%: $(OUT)/tests/unit/%.o $(LIBRARY)
	$(CC) $(CFLAGS_common) $(LDFLAGS_$(BUILD)) -o $@ $^ $(LIBS) -lcmocka

unit: $(UNIT_TESTS)

-include $(OBJECTS:.o=.d) $(UNIT_TESTS:=.d)

clean:
	rm -rf build

.PHONY: all unit clean
.SECONDARY:
