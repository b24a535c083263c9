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
all) # one that is stopped does not keep the others from it
	for service in hello-tcp chat-server udp-temp; do
		if said=$(deploy/wire.sh $service "$@"); then echo "$service: $said"; else status=$?; fi
	done
	exit ${status:-0}
	;;
*) fail "no server is called $service" "没有叫 $service 的服务" "make ${1:-wire} S=chat-server # or hello-tcp, udp-temp" "make ${1:-wire} S=chat-server # 或 hello-tcp, udp-temp" ;;
esac
if [ "${1:-}" = start ]; then # its wire is in a network namespace that ended with the server
	deploy/compose.sh --progress quiet up -d --no-build --wait "$service"
	compose --progress quiet up -d --no-build --no-deps --force-recreate --wait $wire
	say "$service runs, and $wire beside it" "$service 已启动, 旁边的 $wire 也是"
	exit
fi
if [ -z "$(deploy/compose.sh ps -q $wire)" ]; then
	mend="make up"
	if [ -n "$(containers -q)" ]; then mend="make start S=$service"; fi # what runs else stays as it is
	fail "$wire is not running" "$wire 没有运行" "$mend" "$mend"
fi
run() { deploy/compose.sh exec "$@"; }
case ${1:-} in
do)
	if [ -n "${FILE:-}" ]; then
		[ -r "$FILE" ] || fail "$FILE cannot be read" "无法读取 $FILE"
		run -T $wire wire do - <"$FILE"
		exit
	fi
	case ${ARGS:-} in # make handed it to a shell, for which '#' begins a comment unless there are quotes within
	*[\'\"]*) ;;
	*" "*) set -- do "$ARGS" ;;
	esac
	run -T $wire wire "$@"
	exit
	;;
picture | capture)
	if [ "$1" = picture ]; then file=${FILE:-ladder.svg}; else file=${FILE:-lab.pcapng}; fi
	case $file in -*) file=./$file ;; esac
	part=$file.$$
	true 2>/dev/null >"$part" || fail "$file cannot be written" "无法写入 $file"
	run -T $wire wire "$@" >"$part" || { rm "$part" && exit 1; }
	mv "$part" "$file"
	say "$file" "$file"
	exit
	;;
esac
if ! [ -t 0 ] || ! [ -t 1 ]; then
	run -T $wire wire "$@"
	exit
fi
before=$(stty -g)
run $wire wire "$@" || status=$?
if [ "${status:-0}" = 137 ]; then # its container went away under it, and it could not put the screen back
	stty "$before"
	printf '\033[?1049l\033[?25h\033[?2004l\033[0m\r\n'
	say "$wire has stopped, with its server" "$wire 已随它的服务停止"
	exit
fi
exit "${status:-0}"
