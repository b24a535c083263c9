#!/bin/sh
# prepare.sh: makes "compose up --build" possible here, and says in one line what it had to do.
#
# What it finds out goes into .env, where a plain "docker compose up" reads it too. Its own lines end
# in a mark: everybody else's stay as they are, and a GO_IMAGE or BUILD of yours is never overruled.
set -eu
cd "$(dirname "$0")/.."
. deploy/common.sh
version=v2.40.3 # the last Compose with a BuildKit client of its own: later ones cannot build without buildx
go_image=golang:1.26 local_go=localhost/netlab/golang:1.26
mark='# by make up; make online forgets it'

forget() { # PATTERN: drops our lines that begin so
	[ -f .env ] || return 0
	rest=$(grep -v "^$1.*$mark\$" .env || true)
	if [ -n "$rest" ]; then printf '%s\n' "$rest" >.env; else rm -f .env; fi
}
remember() { # LINE...
	if [ -s .env ] && [ -n "$(tail -c 1 .env)" ]; then echo >>.env; fi # a last line without an end
	printf "%s $mark\n" "$@" >>.env
}
if [ "${1:-}" = forget ]; then # make online
	forget ''
	exit
fi
docker version >/dev/null 2>&1 || fail "no Docker engine answers" "连不上 Docker 引擎" "make doctor" "make doctor"
mkdir -p .tools

# 1. A bundle made by "make bundle" from these very sources, or where nothing can be built: no build at all.
forget BUILD=none
arch=$(docker version -f '{{.Server.Arch}}')
bundle=netlab-bundle-$arch.tar
fits() {
	[ -f "$bundle" ] || return 1
	about=$(tar -xOf "$bundle" about) || fail "$bundle cannot be read" "$bundle 无法读取" "copy it again" "请重新复制"
	case $about in *"sources=$(deploy/bundle.sh sources)"*) return 0 ;; esac
	if command -v go >/dev/null || have $go_image; then
		say "the sources differ from those in $bundle: building" "源代码与 $bundle 不同: 重新构建"
		return 1
	fi
	say "the sources differ from those in $bundle, but without Go nothing can be built: using the bundle" \
		"源代码与 $bundle 不同, 但没有 Go 无法构建: 使用离线包"
}
if fits; then
	ids() { docker image inspect -f '{{.Id}}' $images 2>/dev/null || true; }
	if [ "$(cat .tools/bundle 2>/dev/null)" != "$about $(ids)" ]; then
		tar -xOf "$bundle" images.tar | docker load -q >/dev/null
		echo "$about $(ids)" >.tools/bundle
		say "loaded the images of $bundle" "已载入 $bundle 中的镜像"
	fi
	if ! [ -x .tools/docker-compose ] && [ -z "$(plugin)" ]; then
		tar -xf "$bundle" -C .tools docker-compose
		.tools/docker-compose version >/dev/null 2>&1 || {
			rm .tools/docker-compose
			fail "the Compose in $bundle does not run on this system" "$bundle 中的 Compose 不能在本系统运行" \
				"install Compose v2" "请安装 Compose v2"
		}
	fi
	remember BUILD=none
	exit
fi

# 2. A Go image: the official one, or this host's Go, or the host's Go compiles by itself.
official() {
	have $go_image && return
	say "asking the registry for $go_image" "正在向镜像仓库取 $go_image"
	if command -v go >/dev/null; then
		hint "too slow? GO_IMAGE=$local_go make up takes this host's Go" "太慢? GO_IMAGE=$local_go make up 使用本机的 Go"
	fi
	docker pull $go_image 2>/dev/null
}
if [ -z "$(setting GO_IMAGE)$(setting BUILD)" ] && ! official; then
	if ! command -v go >/dev/null; then
		have $images || fail "no registry gives $go_image, and there is no Go here" "取不到 $go_image, 本机也没有 Go" \
			"install Go, or put $bundle here" "请安装 Go, 或放入 $bundle"
		remember BUILD=none
		say "nothing can be built here: using the images as they are" "这里无法构建: 使用现有的镜像"
	elif [ "$(go env GOHOSTOS)" = linux ]; then
		remember "GO_IMAGE=$local_go"
		say "no registry: this host's Go becomes the build image" "没有镜像仓库: 用本机的 Go 作为构建镜像"
	else
		remember BUILD=prebuilt
		say "no registry: using binaries compiled here" "没有镜像仓库: 使用本机编译的程序"
	fi
fi
# Where this host fetches modules, if not from the usual place, the build does too.
if command -v go >/dev/null && [ -z "$(setting GOPROXY)" ] && [ -n "$(go env -changed GOPROXY 2>/dev/null)" ]; then
	remember "GOPROXY=$(go env GOPROXY)" "GOSUMDB=$(go env GOSUMDB)"
fi
if [ "$(setting GO_IMAGE)" = $local_go ] && ! have $local_go; then deploy/golang-image.sh $local_go >/dev/null; fi
if [ "$(setting BUILD)" = prebuilt ]; then make -s bin; fi

# 3. A Compose, and one that can build if it has to.
serves() {
	case $(plugin) in
	'') return 1 ;;
	2.*) ;; # it has a BuildKit client
	*) [ "$(setting BUILD)" = none ] || docker buildx version >/dev/null 2>&1 ;;
	esac
}
if ! [ -x .tools/docker-compose ] && ! serves; then
	command -v go >/dev/null || fail "Docker has no Compose v2, and there is no Go to build it" \
		"Docker 没有 Compose v2, 也没有 Go 可以构建它" "install docker-compose-v2 or docker-compose-plugin" \
		"请安装 docker-compose-v2 或 docker-compose-plugin"
	say "no Compose v2 here: building $version from its Go module, once (one to three minutes)" \
		"没有 Compose v2: 用 Go 构建 $version, 只需一次 (一到三分钟)"
	dir=$(GOWORK=off go mod download -json github.com/docker/compose/v2@$version | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
	GOWORK=off CGO_ENABLED=0 go build -C "$dir" -trimpath -buildvcs=false -o "$PWD/.tools/docker-compose" \
		-ldflags="-s -w -X github.com/docker/compose/v2/internal.Version=$version" ./cmd
fi
