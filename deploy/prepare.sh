#!/bin/sh
# prepare.sh: makes "compose up --build" possible here, and says in one line what it had to do. What it finds out it
# remembers in .env, which a plain "docker compose up" reads too. A GO_IMAGE or BUILD of yours is never overruled.
set -eu
cd "$(dirname "$0")/.."
. deploy/common.sh
version=v2.40.3 # the last Compose with a BuildKit client of its own: later ones cannot build without buildx
go_image=golang:1.26 local_go=localhost/netlab/golang:1.26
arch=$(docker version -f '{{.Server.Arch}}' 2>/dev/null) || fail "no Docker engine answers" "连不上 Docker 引擎" "make doctor" "make doctor"
bundle=netlab-bundle-$arch.tar
mkdir -p .tools bin 2>/dev/null && [ -w .tools ] || fail "$PWD cannot be written" "无法写入 $PWD" "ls -ld ." "ls -ld ."
has_go() { command -v go >/dev/null; }

# 1. Where the programs come from. First choice: a bundle made by "make bundle" from these very sources, or any bundle
# if nothing can be built here.
bundled() {
	[ -f "$bundle" ] || return 1
	about=$(tar -xOf "$bundle" about) || fail "$bundle cannot be read" "$bundle 无法读取" "copy it again" "请重新复制"
	case $about in *"sources=$(sources)"*) return ;; esac
	if has_go || have $go_image; then
		say "the sources differ from those in $bundle: building" "源代码与 $bundle 不同: 重新构建"
		return 1
	fi
	say "the sources differ from those in $bundle, but without Go nothing can be built: using the bundle" \
		"源代码与 $bundle 不同, 但没有 Go 无法构建: 使用离线包"
}
official() {
	have $go_image && return
	say "asking the registry for $go_image" "正在向镜像仓库取 $go_image"
	if has_go; then
		hint "GO_IMAGE=$local_go make up # takes this host's Go, if that is too slow" "GO_IMAGE=$local_go make up # 太慢时使用本机的 Go"
	fi
	docker pull $go_image 2>/dev/null
}
if [ "$(setting BUILD)" = none ]; then remember BUILD; fi # ours is decided anew
about=
if bundled; then
	BUILD=prebuilt
elif [ -z "$(setting GO_IMAGE)$(setting BUILD)" ] && ! official; then
	if ! has_go; then
		have $images || fail "no registry gives $go_image, and there is no Go here" "取不到 $go_image, 本机也没有 Go" \
			"install Go, or put $bundle here" "请安装 Go, 或放入 $bundle"
		remember BUILD none
		say "nothing can be built here: using the images as they are" "这里无法构建: 使用现有的镜像"
	elif [ "$(go env GOHOSTOS)" = linux ]; then
		remember GO_IMAGE $local_go
		say "no registry: this host's Go becomes the build image" "没有镜像仓库: 用本机的 Go 作为构建镜像"
	else
		remember BUILD prebuilt
		say "no registry: using programs compiled here" "没有镜像仓库: 使用本机编译的程序"
	fi
fi
# Where this host fetches modules, if not from the usual place, the build does too.
if has_go && [ -z "$(setting GOPROXY)" ] && [ -n "$(go env -changed GOPROXY 2>/dev/null)" ]; then
	remember GOPROXY "$(go env GOPROXY)"
	remember GOSUMDB "$(go env GOSUMDB)"
fi
if [ "$(setting GO_IMAGE)" = $local_go ] && ! have $local_go; then deploy/golang-image.sh $local_go >/dev/null; fi
if [ -z "$about" ] && [ "$(setting BUILD)" = prebuilt ]; then make -s bin; fi

# 2. A Compose, and one that can build if it has to.
serves() {
	case $(plugin) in
	'') return 1 ;;
	2.*) ;; # it has a BuildKit client
	*) [ "$(setting BUILD)" = none ] || docker buildx version >/dev/null 2>&1 ;;
	esac
}
if [ -x .tools/docker-compose ] || serves; then
	:
elif [ -n "$about" ]; then
	tar -xOf "$bundle" docker-compose >.tools/new
	chmod 755 .tools/new
	.tools/new version >/dev/null 2>&1 || fail "the Compose in $bundle does not run on this system" "$bundle 中的 Compose 不能在本系统运行" \
		"install Compose v2" "请安装 Compose v2"
	mv .tools/new .tools/docker-compose
else
	has_go || fail "Docker has no Compose v2, and there is no Go to build it" "Docker 没有 Compose v2, 也没有 Go 可以构建它" \
		"install docker-compose-v2 or docker-compose-plugin" "请安装 docker-compose-v2 或 docker-compose-plugin"
	say "no Compose v2 here: building $version from its Go module, once (one to three minutes)" \
		"没有 Compose v2: 用 Go 构建 $version, 只需一次 (一到三分钟)"
	dir=$(GOWORK=off go mod download -json github.com/docker/compose/v2@$version | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
	GOWORK=off CGO_ENABLED=0 go build -C "$dir" -trimpath -buildvcs=false -o "$PWD/.tools/docker-compose" \
		-ldflags="-s -w -X github.com/docker/compose/v2/internal.Version=$version" ./cmd
fi

# 3. The bundle's programs become images by our own recipe: whatever the file holds, no other image is touched.
if [ -n "$about" ]; then
	ids() { docker image inspect -f '{{.Id}}' $images 2>/dev/null || true; }
	if [ "$(cat .tools/bundle 2>/dev/null)" != "$about $(ids)" ]; then
		for program in $programs; do tar -xOf "$bundle" "$program" >bin/"$program"; done
		BUILD=prebuilt deploy/build.sh
		echo "$about $(ids)" >.tools/bundle
		say "images made from $bundle, sha256 $(digest "$bundle")" "镜像来自 $bundle, sha256 $(digest "$bundle")"
	fi
	remember BUILD none
fi

# 4. An IPv6 prefix of this clone's own: no two labs in a building have the same.
if [ -z "$(setting LAB_PREFIX6)" ] && ! docker network inspect "${project}_lab" >/dev/null 2>&1; then
	remember LAB_PREFIX6 "$(prefix6)"
fi
