# The lab's commands. "make" lists them.
SERVICES := hello-tcp chat-server udp-temp wire
MODULES := $(shell sed -n 's|^.*\./\([a-z0-9/-]*\)$$|\1|p' go.work)
UNIT := $(filter-out e2e,$(MODULES))
# So many inputs. A time (FUZZTIME=5m) does as well, but go test may then end with "context deadline exceeded".
FUZZTIME ?= 50000x
SOAK ?= 10m
# "=", not ":=": read after prepare has run. The .tools binary exists only where it was needed.
COMPOSE = $(shell [ -x .tools/docker-compose ] && echo $(CURDIR)/.tools/docker-compose || echo docker compose)

.PHONY: help up turns unix watch down logs ps doctor images bundle online build bin test unit fuzz soak bench bench-servers bench-wire pictures e2e lint tidy clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

up: ## start the lab, and say what to do next
	@deploy/up.sh
turns: ## start it with the chat in turns, as in the textbook
	@CHAT_SERVER_MODE=turns deploy/up.sh
unix: ## start it, and have the same conversations over unix sockets
	@deploy/unix.sh
ps: ## what is running
	@deploy/compose.sh ps
S ?= hello-tcp
watch: ## the live ladder of one server: make watch S=chat-server
	@deploy/watch.sh $(S)
logs: ## what the servers tell, until Ctrl-C
	@trap : INT; deploy/compose.sh logs -f hello-tcp chat-server udp-temp || [ $$? = 130 ]
down: ## stop the lab, and leave nothing behind
	@deploy/down.sh

doctor: ## what this machine lacks, and how to mend it
	@deploy/doctor.sh
images: ## build the images
	@deploy/prepare.sh && deploy/build.sh
bundle: images ## one file that starts the lab where there is no Go and no internet
	@deploy/bundle.sh
online: ## forget what "up" found missing (a registry, a network)
	@deploy/prepare.sh forget

build: ## the programs for this machine, into bin/
	CGO_ENABLED=0 go build -trimpath -buildvcs=false -tags=nethttpomithttp2 -ldflags='-s -w' -o bin/ $(SERVICES:%=./services/%)
test: unit e2e ## everything: unit tests, fuzz seeds, containers
unit: ## the tests that need no container, the fuzz tests' seeds among them
	go test -race $(UNIT:%=./%/...)
fuzz: ## each fuzz test with 50,000 inputs (FUZZTIME=5m: for so long)
	@grep -rl '^func Fuzz' $(UNIT) --include='*_test.go' | while read -r file; do \
		for name in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\).*/\1/p' "$$file"); do \
			go test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) "./$$(dirname "$$file")" || exit 1; \
		done; \
	done
soak: ## all three servers under good and bad traffic for SOAK (10m); draws docs/soak.svg
	SOAK=$(SOAK) go test -C e2e -count=1 -timeout=0 -v -run='^TestSoak$$' ./abuse
bench: ## all that is measured, as root: both of the next (ARGS=-quick, ARGS=-write)
	@missed=0; for part in servers wire; do $(MAKE) -s bench-$$part || missed=1; done; exit $$missed
bench-servers: ## the three servers beside their peers (ARGS=-h)
	@go run -C bench . $(ARGS)
bench-wire: ## what wire does to packets, and what it costs; as root (ARGS=-h)
	@go run -C bench ./wire $(ARGS)
pictures: ## draw docs/ladder.svg: a chat that loses an answer
	@deploy/pictures.sh
e2e: images ## the tests with containers
	E2E=1 COMPOSE="$(COMPOSE)" go test -C e2e -race -count=1 ./...
lint: ## format, vet, staticcheck, govulncheck, go.mod, imports
	@deploy/lint.sh
tidy: ## go mod tidy in every module
	@for dir in $(MODULES); do (cd $$dir && GOWORK=off go mod tidy) || exit 1; done
clean: down ## down, and remove what was built here, the lab's images too
	rm -rf bin .tools
	@docker image rm $(SERVICES:%=localhost/netlab/%:dev) localhost/netlab/golang:1.26 2>/dev/null || true

bin: # prepare.sh asks for it: for Linux containers, where no Go image can be had
	GOOS=linux GOARCH=$$(docker version -f '{{.Server.Arch}}') $(MAKE) -s build
