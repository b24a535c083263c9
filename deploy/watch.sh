#!/bin/sh
# watch.sh SERVICE: the live ladder of one server, in the wire beside it.
set -eu
cd "$(dirname "$0")/.."
. deploy/common.sh
case ${1:-} in
hello-tcp) wire=wire-hello ;;
chat-server) wire=wire-chat ;;
udp-temp) wire=wire-temp ;;
*) fail "no server is called ${1:-}" "没有叫 ${1:-} 的服务" "make watch S=hello-tcp, S=chat-server or S=udp-temp" "make watch S=hello-tcp, S=chat-server 或 S=udp-temp" ;;
esac
[ -n "$(deploy/compose.sh ps -q $wire)" ] || fail "$wire is not running" "$wire 没有运行" "$(told)make up" "$(told)make up"
before=
if [ -t 0 ]; then before=$(stty -g); fi
deploy/compose.sh exec $wire wire watch || status=$?
if [ "${status:-0}" = 137 ]; then # its container went away under it, and it could not put the screen back
	if [ -n "$before" ]; then
		stty "$before"
		printf '\033[?1049l\033[?25h\033[?2004l\033[0m\r\n'
	fi
	say "$wire has stopped, with its server" "$wire 已随它的服务停止"
	exit
fi
exit "${status:-0}"
