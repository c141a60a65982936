# Everything from a checkout to a login. `make` lists the targets.
#
# Whoever runs it need not be root: what has to be root becomes it with sudo.
# Nothing but `packages`, what `test` is held against and cargo's own downloads touches
# the network.

PREFIX ?= /usr
DESTDIR ?=
# What distributions have elsewhere: SBINDIR is /usr/bin where the two are one, and ZSHDIR
# /usr/share/zsh/site-functions but on Debian.
SBINDIR ?= $(PREFIX)/sbin
ZSHDIR ?= $(PREFIX)/share/zsh/vendor-completions
export CARGO_TARGET_DIR ?= $(CURDIR)/target
RELEASE := $(CARGO_TARGET_DIR)/release
FOREIGN := $(CARGO_TARGET_DIR)/foreign
DEBIANS := $(addprefix $(CARGO_TARGET_DIR)/,bookworm.tar trixie.tar)

SHARE = $(DESTDIR)$(PREFIX)/share
BASH_COMPLETIONS = $(SHARE)/bash-completion/completions
ZSH_COMPLETIONS = $(DESTDIR)$(ZSHDIR)
FISH_COMPLETIONS = $(SHARE)/fish/vendor_completions.d
UNITS = $(DESTDIR)$(PREFIX)/lib/systemd/system
TMPFILES = $(DESTDIR)$(PREFIX)/lib/tmpfiles.d
SYSUSERS = $(DESTDIR)$(PREFIX)/lib/sysusers.d

# Where libpam looks for modules: with pam_unix, of this machine's architecture first.
PAM_UNIX = $(foreach lib,lib/$(shell uname -m)-linux-gnu lib64 lib lib/*,\
	$(wildcard /usr/$(lib)/security/pam_unix.so /$(lib)/security/pam_unix.so))
PAMDIR ?= $(patsubst %/,%,$(dir $(firstword $(PAM_UNIX))))

# Under sudo, the toolchain is the caller's: root's PATH need not have one.
CALLER_HOME := $(if $(SUDO_USER),$(shell getent passwd $(SUDO_USER) | cut -d: -f6),$(HOME))
CARGO ?= $(firstword $(shell command -v cargo) $(wildcard $(CALLER_HOME)/.cargo/bin/cargo) cargo)
export RUSTUP_HOME ?= $(CALLER_HOME)/.rustup

# Built by the caller, run by root.
SUDO := $(if $(filter 0,$(shell id -u)),,sudo -E)
RUN_AS_ROOT := $(if $(SUDO),--config 'target."cfg(all())".runner="$(SUDO)"')

# The build date that the module holds against the clock is the commit's.
ifndef SOURCE_DATE_EPOCH
COMMIT_DATE := $(shell git -c safe.directory='$(CURDIR)' log -1 --format=%ct 2>/dev/null)
ifneq ($(COMMIT_DATE),)
export SOURCE_DATE_EPOCH := $(COMMIT_DATE)
endif
endif

.PHONY: help packages deb-packages test-packages build install uninstall deb deb-again reproducible \
	rpm demo foreign debians test bench clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

packages: ## install the system packages that build and demo need, if any is missing
	@sh tests/packages.sh

deb-packages:
	@sh tests/packages.sh deb

test-packages:
	@sh tests/packages.sh test

build: ## build the module and the commands
	$(CARGO) build --release --locked -p pam_jwt -p pam-jwt-admin -p jwt-ssh -p pam-jwt-fetch -p pam-jwt-authserver

install: ## install what was built, under DESTDIR; the module into PAMDIR
	@test -n "$(PAMDIR)" || { echo "libpam's modules are not where they use to be: set PAMDIR" >&2; exit 1; }
	@test -e $(RELEASE)/libpam_jwt.so || { echo "nothing is built yet: make build" >&2; exit 1; }
	install -D -m 0644 $(RELEASE)/libpam_jwt.so $(DESTDIR)$(PAMDIR)/pam_jwt.so
	install -D -m 0755 $(RELEASE)/pam-jwt $(DESTDIR)$(SBINDIR)/pam-jwt
	install -D -m 0755 $(RELEASE)/pam-jwt-fetch $(DESTDIR)$(SBINDIR)/pam-jwt-fetch
	install -D -m 0755 $(RELEASE)/pam-jwt-authserver $(DESTDIR)$(SBINDIR)/pam-jwt-authserver
	install -D -m 0755 $(RELEASE)/jwt-ssh $(DESTDIR)$(PREFIX)/bin/jwt-ssh
	ln -sf jwt-ssh $(DESTDIR)$(PREFIX)/bin/jwt-ssh-askpass
	cd conf && find . -type f ! -path './sys*' ! -path './tmpfiles.d/*' \
		-exec install -D -m 0644 {} $(SHARE)/doc/pam-jwt/{} \;
	install -m 0644 -t $(SHARE)/doc/pam-jwt packaging/doc/* .github/CHANGELOG.md
# There the files of conf/ are beside them.
	sed -i 's#](../../conf/#](#g; s#](../../.github/#](#g; s#\[conf/#[#g' $(SHARE)/doc/pam-jwt/*.md
	cd conf/systemd && find . -type f -exec install -D -m 0644 {} $(UNITS)/{} \;
	sed -i 's|/usr/sbin/|$(SBINDIR)/|' $(UNITS)/pam-jwt-*.service
	install -D -m 0644 -t $(TMPFILES) conf/tmpfiles.d/*
	install -D -m 0644 -t $(SYSUSERS) conf/sysusers.d/*
	umask 022; for command in pam-jwt pam-jwt-fetch pam-jwt-authserver jwt-ssh; do \
		$(RELEASE)/$$command manual $(SHARE)/man >/dev/null || exit 1; done
	install -d $(BASH_COMPLETIONS) $(ZSH_COMPLETIONS) $(FISH_COMPLETIONS)
	umask 022; for command in pam-jwt pam-jwt-fetch pam-jwt-authserver jwt-ssh; do \
		$(RELEASE)/$$command completions bash >$(BASH_COMPLETIONS)/$$command && \
		$(RELEASE)/$$command completions zsh >$(ZSH_COMPLETIONS)/_$$command && \
		$(RELEASE)/$$command completions fish >$(FISH_COMPLETIONS)/$$command.fish || exit 1; \
	done
# A package does this for itself; elsewhere the programs say what they lack.
	[ -n "$(DESTDIR)" ] || ! command -v systemd-sysusers >/dev/null || \
		for name in pam-jwt-fetch pam-jwt-authserver; do \
			systemd-sysusers $(SYSUSERS)/$$name.conf && \
			systemd-tmpfiles --create $(TMPFILES)/$$name.conf || exit 1; done

uninstall: ## remove what was installed; what is in /etc and /var/lib stays. First take the lines out of pam.d
	rm -f $(DESTDIR)$(PAMDIR)/pam_jwt.so $(DESTDIR)$(SBINDIR)/pam-jwt
	rm -f $(DESTDIR)$(SBINDIR)/pam-jwt-fetch $(DESTDIR)$(SBINDIR)/pam-jwt-authserver
	rm -f $(DESTDIR)$(PREFIX)/bin/jwt-ssh $(DESTDIR)$(PREFIX)/bin/jwt-ssh-askpass
	for command in pam-jwt pam-jwt-fetch pam-jwt-authserver jwt-ssh; do rm -f $(BASH_COMPLETIONS)/$$command \
		$(ZSH_COMPLETIONS)/_$$command $(FISH_COMPLETIONS)/$$command.fish; done
	rm -f $(SHARE)/man/man8/pam_jwt.8 $(SHARE)/man/man8/pam-jwt.8 $(SHARE)/man/man8/pam-jwt-*.8
	rm -f $(SHARE)/man/man5/pam-jwt.toml.5 $(SHARE)/man/man5/pam-jwt-*.5
	rm -f $(SHARE)/man/man1/jwt-ssh.1 $(SHARE)/man/man1/jwt-ssh-*.1
	cd conf/systemd && find . -type f -exec rm -f $(UNITS)/{} \;
	[ ! -d $(UNITS)/session-.scope.d ] || rmdir --ignore-fail-on-non-empty $(UNITS)/session-.scope.d
	cd conf/tmpfiles.d && find . -type f -exec rm -f $(TMPFILES)/{} \;
	cd conf/sysusers.d && find . -type f -exec rm -f $(SYSUSERS)/{} \;
	rm -rf $(SHARE)/doc/pam-jwt

deb: deb-packages ## build the Debian packages, in target/deb; the crates they take are fetched before
	@sh packaging/deb.sh $(CARGO_TARGET_DIR)/deb $(CARGO)

# In another directory, at another place of the world, by somebody with other habits.
deb-again: deb-packages
	@umask 077 && TZ=Pacific/Apia LC_ALL=C.UTF-8 sh packaging/deb.sh $(CARGO_TARGET_DIR)/deb-built/again $(CARGO)

reproducible: ## build the Debian packages twice, and see whether they are the same bit for bit
	@$(MAKE) --no-print-directory -j2 deb deb-again
	@for package in $(CARGO_TARGET_DIR)/deb/*.deb; do \
		cmp $$package $(CARGO_TARGET_DIR)/deb-built/again/$${package##*/} || exit 1; done

rpm: ## build the RPM packages of what was built, in target/rpm
	@sh packaging/rpm.sh $(CARGO_TARGET_DIR)/rpm

demo: packages build ## log in with a token, in a throwaway machine
	$(CARGO) build --release --locked -p pam-jwt-tests --bin demo
	$(SUDO) $(RELEASE)/demo

foreign: $(FOREIGN)/installed ## install the JWT libraries of others that the tests hold ours against

# Everything is in this one directory, node too: the tests look nowhere else.
$(FOREIGN)/installed: $(addprefix tests/foreign/,requirements.txt package.json package-lock.json) | test-packages
	rm -rf $(FOREIGN)
	/usr/bin/python3 -m venv $(FOREIGN)
	$(FOREIGN)/bin/pip install --quiet --disable-pip-version-check --only-binary :all: \
		--requirement tests/foreign/requirements.txt
	cp tests/foreign/package.json tests/foreign/package-lock.json $(FOREIGN)
	npm clean-install --prefix $(FOREIGN) --engine-strict --ignore-scripts --no-audit --no-fund
	ln -s "$$(command -v node)" $(FOREIGN)/bin/node
	touch $@

test: test-packages build deb foreign debians ## run every test there is
	$(CARGO) test --locked --workspace --exclude pam-jwt-tests $(RUN_AS_ROOT)
	$(CARGO) test --locked -p pam-jwt-tests $(RUN_AS_ROOT) --lib
	$(CARGO) test --locked -p pam-jwt-tests $(RUN_AS_ROOT) --doc
	$(CARGO) test --locked -p pam-jwt-tests --tests --no-run
	@$(MAKE) --no-print-directory --jobs $(SIDE_BY_SIDE) --keep-going --output-sync=target $(HOSTS)

# Each in machines of its own, so that those that wait go beside those that compute. One by one
# they took 28 minutes on two cores, three at a time 20; they compute for 25.
SIDE_BY_SIDE ?= 3
HOSTS := $(addprefix test-,$(shell sed -n '/^\[\[test]]/{n;s/^name = "\(.*\)"/\1/p}' tests/Cargo.toml))

.PHONY: $(HOSTS)
$(HOSTS):
	$(CARGO) test --locked -p pam-jwt-tests $(RUN_AS_ROOT) --test $(@:test-%=%)

# Side by side, whatever -j says: most of it is waiting for the mirror and the disk.
debians: | test-packages
	@$(MAKE) --no-print-directory -j2 $(DEBIANS)

$(DEBIANS): $(CARGO_TARGET_DIR)/%.tar: tests/debian.sh
	@sh tests/debian.sh $* $@

bench: test-packages build foreign ## measure what pam-jwt-authserver bears, beside oidc-provider
	$(CARGO) bench --locked -p pam-jwt-tests $(RUN_AS_ROOT) --bench authserver -- $(ONLY)

clean: ## remove what was built
	$(CARGO) clean
