#!/bin/sh
# doctor.sh: does this machine have what the lab needs? A line for each thing; what is missing says how to
# mend it. FAIL: the lab cannot start (exit 1). note: only something beside it is missing.
set -eu
cd "$(dirname "$0")/.."
. deploy/common.sh
status=0
ok() { echo "ok    $(words "$1" "${2:-$1}")"; }
note() { echo "note  $(words "$1" "$2")"; }
bad() {
	echo "FAIL  $(words "$1" "$2")"
	status=1
}

# The engine: without it nothing else can be asked.
if ! command -v docker >/dev/null; then
	bad "no docker command" "没有 docker 命令"
	hint "install Docker Engine or Docker Desktop" "请安装 Docker Engine 或 Docker Desktop"
	exit 1
fi
if ! engine=$(docker version -f '{{.Server.Version}} {{.Server.Os}}/{{.Server.Arch}}' 2>&1); then
	bad "the Docker engine does not answer: $(echo "$engine" | tail -n 1)" "Docker 引擎没有响应: $(echo "$engine" | tail -n 1)"
	case $engine in
	*permission*) hint "sudo usermod -aG docker \$USER, then log in again" "sudo usermod -aG docker \$USER, 然后重新登录" ;;
	*) hint "start Docker Desktop, or: sudo systemctl start docker" "启动 Docker Desktop, 或: sudo systemctl start docker" ;;
	esac
	exit 1
fi
ok "Docker engine $engine" "Docker 引擎 $engine"

# What builds or brings the images. (The oldest Go that will do is go.work's.)
bundle=netlab-bundle-$(docker version -f '{{.Server.Arch}}').tar
oldest=$(sed -n 's/^go //p' go.work)
go=$(GOTOOLCHAIN=local go env GOVERSION 2>/dev/null | sed 's/^go//') || true
newest=$(printf '%s\n%s\n' "$go" "$oldest" | sort -t . -k 1,1n -k 2,2n -k 3,3n | tail -n 1)
if [ -n "$go" ] && [ "$newest" = "$go" ]; then
	ok "Go $go"
elif [ -n "$go" ]; then
	note "Go $go is older than $oldest: it will fetch a newer one, or install it" "Go $go 低于 $oldest: 会自动下载新版本, 也可以自行安装"
else
	note "no Go: only make test and make lint need it" "没有 Go: 只有 make test 和 make lint 需要"
fi
if [ -f "$bundle" ]; then
	ok "images: $bundle" "镜像: $bundle"
elif have $images; then
	ok "images: built" "镜像: 已构建"
elif have golang:1.26 || have localhost/netlab/golang:1.26; then
	ok "images: a Go image is here to build them" "镜像: 已有构建用的 Go 镜像"
elif [ -n "$go" ]; then
	ok "images: will be built" "镜像: 将会构建"
elif docker pull -q golang:1.26 >/dev/null 2>&1; then
	ok "images: fetched golang:1.26 to build them" "镜像: 已取得构建用的 golang:1.26"
else
	bad "images: no Go, no bundle, and no registry gives golang:1.26" "镜像: 没有 Go, 没有离线包, 也取不到 golang:1.26"
	hint "install Go $oldest, or put $bundle here (make bundle, on another machine)" "请安装 Go $oldest, 或放入 $bundle (在另一台机器上 make bundle)"
fi

# Compose.
if [ -x .tools/docker-compose ]; then
	ok "Compose $(compose version --short) (.tools)"
elif [ -n "$(plugin)" ]; then
	ok "Compose $(plugin)"
elif [ -f "$bundle" ]; then
	ok "Compose: $bundle has it" "Compose: $bundle 中有"
elif [ -n "$go" ]; then
	note "no Compose v2: make up builds it once (one to three minutes)" "没有 Compose v2: make up 会构建一次 (一到三分钟)"
else
	bad "no Compose v2, and no Go to build it" "没有 Compose v2, 也没有 Go 可以构建它"
	hint "install docker-compose-v2 or docker-compose-plugin" "请安装 docker-compose-v2 或 docker-compose-plugin"
fi

# Ports and the network.
if taken=$(deploy/ports.sh); then
	ok "ports $(setting HELLO_PORT 8080), $(setting CHAT_PORT 12345), $(setting TEMP_PORT 1314)/udp" \
		"端口 $(setting HELLO_PORT 8080), $(setting CHAT_PORT 12345), $(setting TEMP_PORT 1314)/udp"
else
	echo "$taken" | sed 's/^netlab: /FAIL  /'
	status=1
fi
. deploy/subnet.sh
if why=$(subnet_trouble); then
	ok "network $subnet" "网络 $subnet"
else
	bad "network $subnet: $why" "网络 $subnet: $why"
	case $why in
	*available*) hint "too many networks: docker network prune" "网络太多: docker network prune" ;;
	*) hint "$(subnet_hint)" "$(subnet_hint)" ;;
	esac
fi

# Room: images, a Go image and the builder's cache.
root=$(docker info -f '{{.DockerRootDir}}')
if ! [ -d "$root" ]; then root=.; fi # the engine is in a virtual machine
free=$(df -Pk "$root" | awk 'NR == 2 { print int($4 / 1024) }')
if [ "$free" -ge 2048 ]; then
	ok "disk: $free MB free" "磁盘: 剩余 $free MB"
else
	bad "disk: $free MB free in $root, 2048 wanted" "磁盘: $root 只剩 $free MB, 需要 2048 MB"
	hint "docker system df says what takes the room" "docker system df 显示占用情况"
fi

# For make test alone.
if [ -n "$go" ] && ! [ "$(cd pkg && go env CGO_ENABLED)" = 1 ] || ! command -v "${CC:-gcc}" >/dev/null; then
	note "no C compiler: make test needs one for -race (apt install gcc; xcode-select --install)" \
		"没有 C 编译器: make test 的 -race 需要它 (apt install gcc; xcode-select --install)"
else
	ok "C compiler for -race" "C 编译器 (-race)"
fi
exit $status
