#!/bin/sh
# doctor.sh: does this machine have what the lab needs? A line for each thing; what is missing says how to
# mend it. FAIL: the lab cannot start (exit 1). note: only something beside it is missing.
set -eu
cd "$(dirname "$0")/.."
. deploy/common.sh
status=0
line() { # WORD ENGLISH CHINESE [HINT-ENGLISH HINT-CHINESE]
	printf '%-5s %s\n' "$1" "$(words "$2" "$3")"
	if [ -n "${4:-}" ]; then hint "$4" "$5"; fi
}
ok() { line ok "$@"; }
note() { line note "$@"; }
bad() { line FAIL "$@" && status=1; }

# The engine: without it nothing else can be asked.
if ! engine=$(docker version -f '{{.Server.Version}} {{.Server.Os}}/{{.Server.Arch}}' 2>&1); then
	why=$(echo "$engine" | tail -n 1)
	case $engine in
	*"not found"*) bad "no docker command" "没有 docker 命令" "install Docker Engine or Docker Desktop" "请安装 Docker Engine 或 Docker Desktop" ;;
	*permission*) bad "the Docker engine: $why" "Docker 引擎: $why" "sudo usermod -aG docker \$USER # then log in again" "sudo usermod -aG docker \$USER # 然后重新登录" ;;
	*) bad "the Docker engine: $why" "Docker 引擎: $why" "sudo systemctl start docker # or start Docker Desktop" "sudo systemctl start docker # 或启动 Docker Desktop" ;;
	esac
	exit 1
fi
ok "Docker engine $engine" "Docker 引擎 $engine"

# What builds or brings the images. (Go itself knows whether it is too old for go.work.)
bundle=netlab-bundle-${engine##*/}.tar
oldest=$(sed -n 's/^go //p' go.work)
if ! go=$(command -v go); then
	note "no Go: only make test and make lint need it" "没有 Go: 只有 make test 和 make lint 需要"
elif version=$(GOTOOLCHAIN=local go env GOVERSION 2>&1); then
	ok "Go ${version#go}" "Go ${version#go}"
else
	note "$version" "$version" "install Go $oldest; else this one fetches it" "请安装 Go $oldest, 否则现在的 Go 会自己下载"
fi
if [ -f "$bundle" ]; then
	ok "images: $bundle" "镜像: $bundle"
elif have $images; then
	ok "images: built" "镜像: 已构建"
elif have golang:1.26 || have localhost/netlab/golang:1.26 || [ -n "$go" ] || docker pull -q golang:1.26 >/dev/null 2>&1; then
	ok "images: can be built" "镜像: 可以构建"
else
	bad "images: no Go, no bundle, and no registry gives golang:1.26" "镜像: 没有 Go, 没有离线包, 也取不到 golang:1.26" \
		"install Go $oldest, or put $bundle here (make bundle, on another machine)" "请安装 Go $oldest, 或放入 $bundle (在另一台机器上 make bundle)"
fi
if compose=$(compose version --short 2>/dev/null); then
	ok "Compose $compose" "Compose $compose"
elif [ -f "$bundle" ]; then
	ok "Compose: $bundle has it" "Compose: $bundle 中有"
elif [ -n "$go" ]; then
	note "no Compose v2: make up builds it once (one to three minutes)" "没有 Compose v2: make up 会构建一次 (一到三分钟)"
else
	bad "no Compose v2, and no Go to build it" "没有 Compose v2, 也没有 Go 可以构建它" \
		"install docker-compose-v2 or docker-compose-plugin" "请安装 docker-compose-v2 或 docker-compose-plugin"
fi

# Ports and the network.
. deploy/ports.sh
if taken=$(ports); then
	ok "ports $(echo $wants | sed 's/[^ ]*_PORT.//g')" "端口 $(echo $wants | sed 's/[^ ]*_PORT.//g')"
else
	echo "$taken" | sed 's/^netlab: /FAIL  /'
	status=1
fi
# The network is tried under the lab's own name: if this is interrupted, make up and make down still know it.
subnet=$(setting LAB_PREFIX6 fd6e:6574:6c61:62)::/64 network=${project}_lab
trap 'docker network rm "$network" >/dev/null 2>&1 || true' EXIT
if docker network inspect "$network" >/dev/null 2>&1; then
	trap - EXIT
	ok "network $network" "网络 $network"
elif why=$(docker network create --label "${ours#label=}" --label com.docker.compose.network=lab --ipv6 --subnet "$subnet" "$network" 2>&1); then
	ok "network $subnet" "网络 $subnet"
else
	case $why in
	*available*) bad "network $subnet: $why" "网络 $subnet: $why" "docker network prune # too many networks" "docker network prune # 网络太多" ;;
	*overlaps*) bad "network $subnet: $why" "网络 $subnet: $why" "LAB_PREFIX6=$(prefix6) make up" "LAB_PREFIX6=$(prefix6) make up" ;;
	*) note "network $subnet: $why" "网络 $subnet: $why" "make up # starts with IPv4 alone" "make up # 只用 IPv4 启动" ;;
	esac
fi
if [ "${engine%%.*}" -lt 27 ] && ! ip6tables -n -L DOCKER >/dev/null 2>&1; then
	note "this engine sets no ip6tables rules: a machine with a route to $subnet can send to the lab, but gets no answer" \
		"这个引擎不设置 ip6tables 规则: 有路由通往 $subnet 的机器可以向实验环境发包, 但得不到回答"
fi

# Room: images, a Go image and the builder's cache.
root=$(docker info -f '{{.DockerRootDir}}')
if ! [ -d "$root" ]; then root=.; fi # the engine is in a virtual machine
free=$(df -Pk "$root" | awk 'NR == 2 { print int($4 / 1024) }')
if [ "$free" -ge 2048 ]; then
	ok "disk: $free MB free" "磁盘: 剩余 $free MB"
else
	bad "disk: $free MB free in $root, 2048 wanted" "磁盘: $root 只剩 $free MB, 需要 2048 MB" \
		"docker system df # what takes the room" "docker system df # 什么占用了空间"
fi

# For make test alone.
if command -v "${CC:-gcc}" >/dev/null; then
	ok "C compiler for -race" "C 编译器 (-race)"
else
	note "no C compiler: make test needs one for -race" "没有 C 编译器: make test 的 -race 需要它" \
		"apt install gcc # on macOS: xcode-select --install" "apt install gcc # macOS: xcode-select --install"
fi
exit $status
