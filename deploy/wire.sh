#!/bin/sh
# wire.sh SERVICE COMMAND...: a command of the wire beside a server. do reads, picture and capture write, a file of
# this machine: FILE. Two more: "all reset" for each wire, "SERVICE start" for a server that was stopped.
set -eu
cd "$(dirname "$0")/.."
. deploy/common.sh
service=$1
shift
case $service in
hello-tcp) wire=wire-hello ;;
chat-server) wire=wire-chat ;;
udp-temp) wire=wire-temp ;;
all)
	for service in hello-tcp chat-server udp-temp; do deploy/wire.sh $service "$@"; done
	exit
	;;
*) fail "no server is called $service" "没有叫 $service 的服务" "make ${1:-wire} S=chat-server # or hello-tcp, udp-temp" "make ${1:-wire} S=chat-server # 或 hello-tcp, udp-temp" ;;
esac
if [ "${1:-}" = start ]; then # its wire is in a network namespace that ended with the server
	deploy/compose.sh --progress quiet up -d --no-build --wait "$service"
	compose --progress quiet up -d --no-build --no-deps --force-recreate --wait $wire
	exit
fi
[ -n "$(deploy/compose.sh ps -q $wire)" ] || fail "$wire is not running" "$wire 没有运行" "make up" "make up"
run() { deploy/compose.sh exec "$@"; }
case ${1:-} in
do)
	if [ -n "${FILE:-}" ]; then run -T $wire wire do - <"$FILE"; else run -T $wire wire "$@"; fi
	exit
	;;
picture | capture)
	if [ "$1" = picture ]; then file=${FILE:-ladder.svg}; else file=${FILE:-lab.pcapng}; fi
	run -T $wire wire "$@" >"$file.part" || { rm "$file.part" && exit 1; }
	mv "$file.part" "$file"
	say "$file" "$file"
	exit
	;;
esac
if ! [ -t 0 ] || ! [ -t 1 ]; then run -T $wire wire "$@" && exit; fi
before=$(stty -g)
run $wire wire "$@" || status=$?
if [ "${status:-0}" = 137 ]; then # its container went away under it, and it could not put the screen back
	stty "$before"
	printf '\033[?1049l\033[?25h\033[?2004l\033[0m\r\n'
	say "$wire has stopped, with its server" "$wire 已随它的服务停止"
	exit
fi
exit "${status:-0}"
