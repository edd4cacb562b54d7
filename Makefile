# The entry point. `make run`, `make boot` and `make test` do everything on a fresh Debian 12. CMake does the
# actual build (CMakePresets.json), in build/PRESET.

TRACE ?= data/workday.txt.zst
SECONDS ?= 300
ARGS ?= --policy aged --order 0 --backing memfd --verify
PREFIX ?= /usr/local
# The sources that the checks of form examine.
SOURCES = find fallow vhost_user trace replay cli guest bench examples fuzz tests -name '*.h' -o -name '*.cc'

.DEFAULT_GOAL := help
.PHONY: help run boot test explore attack bench fuzz format check-format tidy check-layers check-orders check-odr check-numbers check-prose freestanding aarch64 check-links coverage docs update-readme dist clean install uninstall deb test-deb check-abi check-reproducible

help:
	@echo 'make run            build, and replay the recorded trace data/workday.txt.zst (TRACE=FILE ARGS="...")'
	@echo 'make boot           build, and boot a guest in QEMU whose freed memory the host gets back (ARGS="...")'
	@echo 'make test           build, and run all tests'
	@echo 'make install        build, and install below /usr/local (PREFIX=DIR DESTDIR=DIR);  make uninstall  removes that'
	@echo 'make deb            build the Debian packages (build/deb);  make test-deb  installs and uses them in a fresh Debian'
	@echo 'make explore        build, and explore schedules of the core for hours (HOURS=3)'
	@echo 'make bench          build, run the benchmarks, and draw them into docs/benchmarks (ARGS="pages report ...")'
	@echo 'make fuzz           build, and run each fuzz target for five minutes (SECONDS=300)'
	@echo 'make format         format the sources;  make check-format  only tell what is not formatted'
	@echo 'make tidy           clang-tidy over the sources'
	@echo 'make check-layers   which include points the wrong way'
	@echo 'make check-orders   which atomic access does not say what it pairs with'
	@echo 'make check-odr      which name two files define differently'
	@echo 'make check-numbers  which cited clause, invariant or test does not exist'
	@echo 'make check-prose    which phrases a reader stumbles over'
	@echo 'make check-abi      which change breaks programs that use the C interface of the shared libraries'
	@echo 'make check-reproducible  which installed file depends on the folder that it is built in'
	@echo 'make freestanding   the core compiled as a freestanding program, with each compiler'
	@echo 'make aarch64        the core and its tests for 64-bit Arm, run by qemu-user'
	@echo 'make coverage       which lines of the core the unit tests execute (build/coverage-html)'
	@echo 'make docs           the reference of the public headers (build/docs/html)'
	@echo 'make update-readme  build, and put figures and samples into the documents'
	@echo 'make check-links    which link of a document leads nowhere'
	@echo 'make dist           a source archive of the last commit (build/fallow-VERSION.tar.xz)'
	@echo 'make clean          remove build/'

# $(call build,PRESET[,ARGUMENTS]) configures and builds. CMake's output on the configuration is shown only if
# it fails.
define build
@mkdir -p build
@cmake --preset $(1) >build/$(1).log 2>&1 || { cat build/$(1).log; exit 1; }
@cmake --build --preset $(1) $(2)
endef

run:
	@tools/install-deps run
	$(call build,release)
	build/release/cli/fallow replay $(ARGS) $(TRACE)

boot: ARGS =
boot:
	@tools/install-deps boot
	$(call build,release)
	build/release/cli/fallow boot $(ARGS)

install:
	@tools/install-deps run
	$(call build,release)
	@cmake --install build/release --prefix $(PREFIX)

uninstall:
	packaging/uninstall build/release $(PREFIX)

deb:
	@tools/install-deps deb
	packaging/make-deb

test-deb: deb
	packaging/test-deb

test:
	@tools/install-deps test
	@tools/install-deps guests || true
	$(call build,dev)
	ctest --preset dev -j "$$(nproc)"

explore: HOURS = 3
explore:
	@tools/install-deps test
	$(call build,dev,--target explore)
	tests/explore/for-hours build/dev/tests/explore/explore $(HOURS)

attack: HOURS = 1
attack:
	@tools/install-deps test
	$(call build,dev,--target vhost_server_test vhost_user_test serve_attack_test fallow)
	tests/attack-for-hours build/dev $(HOURS)

bench: ARGS =
bench:
	@tools/install-deps bench
	$(call build,bench)
	bench/run $(ARGS)

fuzz:
	@tools/install-deps check
	$(call build,fuzz)
	fuzz/run $(SECONDS)

format:
	@tools/install-deps check
	$(SOURCES) | xargs clang-format -i

check-format:
	@tools/install-deps check
	$(SOURCES) | xargs clang-format --dry-run --Werror

tidy:
	@tools/install-deps check
	@mkdir -p build
	@cmake --preset clang -DFALLOW_FREESTANDING=OFF >build/clang.log 2>&1 || { cat build/clang.log; exit 1; }
	@cmake --preset fuzz >build/fuzz.log 2>&1 || { cat build/fuzz.log; exit 1; }
	find fallow vhost_user trace replay cli guest tests bench examples -name '*.cc' | xargs -P "$$(nproc)" -n 1 clang-tidy --quiet -p build/clang
	find fuzz -name '*.cc' | xargs -P "$$(nproc)" -n 1 clang-tidy --quiet -p build/fuzz

check-layers:
	tools/check-layers

check-orders:
	tools/check-orders

check-odr:
	@tools/install-deps run
	tools/check-odr

check-abi:
	@tools/install-deps check
	tools/check-abi

check-reproducible:
	@tools/install-deps run
	tools/check-reproducible

freestanding:
	@tools/install-deps check
	@for compiler in g++ clang++ clang++-19; do \
	  dir=build/freestanding-$$compiler; echo "freestanding with $$compiler"; \
	  cmake --preset freestanding -B $$dir -DCMAKE_CXX_COMPILER=$$compiler >/dev/null && \
	  cmake --build $$dir --target fallow_freestanding fallow_freestanding_headers && \
	  ctest --test-dir $$dir --output-on-failure --no-tests=error || exit 1; \
	done

check-numbers:
	tools/check-numbers

check-prose:
	tools/check-prose

aarch64:
	@tools/install-deps check
	$(call build,aarch64)
	ctest --preset aarch64 -j "$$(nproc)"

coverage:
	@tools/install-deps check
	@mkdir -p build/coverage-html
	tools/coverage --html build/coverage-html

docs:
	@tools/install-deps check
	tools/check-reference

update-readme:
	@tools/install-deps check
	$(call build,dev,--target fallow print_batches toy_monitor)
	tools/update-readme

check-links:
	tools/check-links

dist:
	@mkdir -p build
	tools/make-dist build

clean:
	rm -rf build
