#!/bin/sh
# up.sh: builds what changed, starts the lab, waits until it is healthy, and says what to do next.
set -eu
cd "$(dirname "$0")/.."
. deploy/common.sh

# keep NAME [DEFAULT]: what this command was told is remembered for the next ones.
kept=
keep() {
	eval "value=\${$1:-}"
	if [ -z "$value" ] || [ "$value" = "$(unset "$1" && setting "$@")" ]; then return; fi
	if [ "$value" = "${2:-}" ]; then remember "$1"; else remember "$1" "$value"; fi
	if [ "$value" = "$(unset "$1" && setting "$@")" ]; then kept="$kept $1=$value"; fi # else a line of the user's decides
}
for name in COMPOSE_PROJECT_NAME NETLAB_LANG LAB_PREFIX6; do keep $name; done
keep LAB_BIND 127.0.0.1
mode=${CHAT_SERVER_MODE:-room}
remember CHAT_SERVER_MODE "${mode#room}" # without one, "make up" makes a room again

deploy/prepare.sh
other=$(containers -a --format '{{.Label "com.docker.compose.project.working_dir"}}' |
	while read -r dir; do [ "$dir" -ef . ] || echo "$dir"; done | head -n 1)
[ -z "$other" ] || fail "the lab of $other is there" "$other 的实验环境还在" \
	"make down up # ends it, and starts this one in its place" "make down up # 结束它, 再启动这里的"
. deploy/ports.sh
ports || true
case $refused in *HELLO_PORT*) ;; *) keep HELLO_PORT 8080 ;; esac
case $refused in *CHAT_PORT*) ;; *) keep CHAT_PORT 12345 ;; esac
case $refused in *TEMP_PORT*) ;; *) keep TEMP_PORT 1314 ;; esac
if [ -n "$kept" ]; then say "remembered in .env:$kept" "已记入 .env:$kept"; fi
if [ -n "$refused" ]; then exit 1; fi
deploy/build.sh

# The engine knows best whether the lab can have its network and its ports. What it says gets a hint.
start() { compose --progress quiet up --no-build --wait --wait-timeout 60 -d 2>.tools/up.log; }
why() { grep . .tools/up.log | tail -n 1; }
without_ipv6() {
	case $(why) in *overlap*) return 1 ;; *[Ii][Pp]v6*) ;; *) return 1 ;; esac
	say "no IPv6 here: starting with IPv4 alone (make forget tries it again): $(why)" "这里没有 IPv6: 只用 IPv4 启动 (make forget 之后会再试): $(why)"
	files=$(setting COMPOSE_FILE docker-compose.yml)
	remember COMPOSE_FILE "$files:deploy/ipv4.yml"
	start || { remember COMPOSE_FILE "$(echo "$files" | sed 's/^docker-compose.yml$//')" && return 1; }
}
explain() {
	why=$(why) moves=
	compose logs --tail 3 hello-tcp chat-server udp-temp >&2 || true # their last words
	if [ -z "$was_up" ]; then compose --progress quiet down --volumes -t 1; fi
	for want in $wants; do
		name=${want#*/} name=${name%/*} port=${want##*/}
		case $why in *:"$port"[!0-9]*) remember "$name" && advise "${want%%/*}" "$name" "$port" ;; esac
	done
	[ -z "$moves" ] || fail "${moves%%=*}: $why" "${moves%%=*}: $why" "${moves}make up" "${moves}make up"
	case $why in
	*overlaps*) fail "$why" "$why" "LAB_PREFIX6=$(prefix6) make up" "LAB_PREFIX6=$(prefix6) make up" ;;
	*paused*)
		paused=$(containers --filter status=paused --format '{{.Label "com.docker.compose.service"}}' | tr '\n' ' ')
		fail "$why" "$why" "$(compose_name) unpause ${paused% }" "$(compose_name) unpause ${paused% }"
		;;
	*available*) fail "$why" "$why" "docker network prune # too many networks" "docker network prune # 网络太多" ;;
	*) fail "the lab did not start: $why" "实验环境没有启动: $why" "make doctor" "make doctor" ;;
	esac
}
was_up=$(containers -q)
start || without_ipv6 || explain

port() { compose port "$@" | sed 's/.*://'; } # SERVICE PORT [FLAG]: where it is published
line() { printf '  %-*s # %s\n' $width "$1" "$(words "$2" "$3")"; }
run="$(compose_name) run --rm"
width=$((${#run} + 23)) # of the longest line
words "
the lab is up:" "
实验环境已启动:"
line "curl http://localhost:$(port hello-tcp 8080)" "hello-tcp, for a browser too" "hello-tcp, 也可以用浏览器"
line "nc 127.0.0.1 $(port chat-server 12345)" chat-server chat-server
line "nc -u 127.0.0.1 $(port --protocol=udp udp-temp 1314)" udp-temp udp-temp
words "next, each in a terminal of its own (Ctrl-P Ctrl-Q leaves it):" "接下来, 各开一个终端 (Ctrl-P Ctrl-Q 离开):"
if [ "$(setting CHAT_SERVER_MODE)" = turns ]; then # without an operator nobody answers, and a second person waits
	line "docker attach $project-chat-client-1" "begins the chat" "先说话"
	line "docker attach $project-chat-server-1" "the operator, who answers" "操作员, 由他回答"
	line "$run chat-client" "the next one, who waits" "下一个人, 要等"
else
	line "docker attach $project-chat-client-1" "a person in the chat" "聊天的一个人"
	line "docker attach $project-chat-server-1" "the operator" "服务器端的操作员"
	line "$run chat-client -name $(words Anna 小明)" "one more person" "再来一个人"
fi
line "docker attach $project-hello-client-1" "or temp-client-1" "或 temp-client-1"
line "$run temp-client 36.6" "ask for a temperature" "问一个温度"
line "make watch" "every packet of hello-tcp (S=chat-server, S=udp-temp)" "看 hello-tcp 的每个数据包 (S=chat-server, S=udp-temp)"
line "make logs" "what the servers tell" "查看服务器输出"
line "make down" "stops it all" "全部停止"
deploy/yours.sh whose
for wire in ${was_up:+wire-hello wire-chat wire-temp}; do # somebody may have left a broken link
	left=$(docker exec "$project-$wire-1" wire status --changed 2>/dev/null | tr '\n' ' ') || left=
	if [ -n "$left" ]; then
		say "$wire is not as at the start: $left" "$wire 不是开始时的样子: $left"
		hint "make reset" "make reset"
	fi
done
bind=$(setting LAB_BIND 127.0.0.1)
if [ "$bind" != 127.0.0.1 ]; then
	say "LAB_BIND=$bind: everyone who reaches this machine reaches the three servers" "LAB_BIND=$bind: 能连到这台机器的人都能连到这三个服务器"
fi
