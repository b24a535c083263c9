#!/bin/sh
# referee.sh SERVICE [URL [FLAG...]]: judges a server. Without a URL the lab's own, from inside its network; with one,
# from this machine.
set -eu
cd "$(dirname "$0")/.."
. deploy/common.sh
service=$1 url=$2
shift 2
case $service in
hello-tcp) inside=tcp://hello-tcp:8080 ;;
chat-server) inside=tcp://chat-server:12345 ;;
udp-temp) inside=udp://udp-temp:1314 ;;
*) fail "no server is called $service" "没有叫 $service 的服务" "make referee S=hello-tcp # or chat-server, udp-temp" "make referee S=hello-tcp # 或 chat-server, udp-temp" ;;
esac
if [ -z "$url" ]; then
	[ -n "$(deploy/compose.sh ps -q "$service")" ] || fail "$service is not running" "$service 没有运行" "make up" "make up"
	exec deploy/compose.sh --progress quiet run --rm --no-deps referee check "$service" $inside "$@"
fi
if command -v go >/dev/null; then
	CGO_ENABLED=0 go build -trimpath -buildvcs=false -o bin/referee ./services/referee
	exec bin/referee check "$service" "$url" "$@"
fi
have localhost/netlab/referee:dev || fail "there is no Go here, and no image of the referee" "这里没有 Go, 也没有 referee 的镜像" "make images" "make images"
exec docker run --rm --network host -e NETLAB_LANG="$(setting NETLAB_LANG)" localhost/netlab/referee:dev referee check "$service" "$url" "$@"
