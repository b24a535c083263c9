# For those who change the lab.
MODULES := $(shell sed -n 's|^.*\./\([a-z0-9/-]*\)$$|\1|p' go.work)
UNIT := $(filter-out e2e,$(MODULES))
# So many inputs. A time (FUZZTIME=5m) does as well, but go test may then end with "context deadline exceeded".
FUZZTIME ?= 50000x
SOAK ?= 10m

.PHONY: images build test unit e2e fuzz soak bench bench-servers bench-wire zoo pictures lint tidy clean bin

images: ## build the images | 构建镜像
	@deploy/prepare.sh && deploy/build.sh
build: ## the programs for this machine, into bin/ | 为本机编译程序, 放入 bin/
	CGO_ENABLED=0 go build -trimpath -buildvcs=false -tags=nethttpomithttp2 -ldflags='-s -w' -o bin/ $(SERVICES:%=./services/%)
test: unit e2e ## everything: unit tests, fuzz seeds, containers | 全部测试: 单元、模糊测试种子、容器
unit: ## the tests that need no container, the fuzz tests' seeds among them | 不需要容器的测试
	go test -race $(UNIT:%=./%/...)
e2e: images ## the tests with containers | 容器测试
	E2E=1 go test -C e2e -race -count=1 ./...
fuzz: ## each fuzz test with 50,000 inputs (FUZZTIME=5m: for so long) | 每个模糊测试 50,000 次输入
	@grep -rl '^func Fuzz' $(UNIT) --include='*_test.go' | while read -r file; do \
		for name in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\).*/\1/p' "$$file"); do \
			go test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) "./$$(dirname "$$file")" || exit 1; \
		done; \
	done
soak: ## all three servers under good and bad traffic for SOAK (10m); draws docs/soak.svg | 长时间混合流量测试
	SOAK=$(SOAK) go test -C e2e -count=1 -timeout=0 -v -run='^TestSoak$$' ./abuse
bench: ## all that is measured, as root: both of the next (ARGS=-quick, ARGS=-write) | 全部性能测量, 需要 root
	@missed=0; for part in servers wire; do $(MAKE) -s bench-$$part || missed=1; done; exit $$missed
bench-servers: ## the three servers beside their peers (ARGS=-h) | 三个服务与同类并排测量
	@go run -C bench . $(ARGS)
bench-wire: ## what wire does to packets, and what it costs; as root (ARGS=-h) | wire 的作用和代价
	@go run -C bench ./wire $(ARGS)
zoo: ## judge servers that are wrong in one way each, and write docs/zoo.md | 判定各有一处错误的服务器, 写出 docs/zoo.md
	@deploy/zoo.sh
pictures: ## draw docs/ladder.svg: a chat that loses an answer | 画出 docs/ladder.svg
	@deploy/pictures.sh
lint: ## format, vet, staticcheck, govulncheck, go.mod, imports | 静态检查
	@deploy/lint.sh
tidy: ## go mod tidy in every module | 每个模块 go mod tidy
	@for dir in $(MODULES); do (cd $$dir && GOWORK=off go mod tidy) || exit 1; done
clean: down ## down, and remove what was built here, the lab's images too | 停止, 并删除构建的一切, 包括镜像
	rm -rf bin .tools
	@docker image rm $(SERVICES:%=localhost/netlab/%:dev) localhost/netlab/golang:1.26 2>/dev/null || true
bin: # prepare.sh asks for it: for Linux containers, if no Go image can be had
	GOOS=linux GOARCH=$$(docker version -f '{{.Server.Arch}}') $(MAKE) -s build
