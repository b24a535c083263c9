#!/bin/sh
# yours.sh SERVICE: puts your program in a server's place, the one at port PORT of this machine.
# "yours.sh ours" puts ours back; "yours.sh whose" says which are yours. .env remembers it, for every other command.
set -eu
cd "$(dirname "$0")/.."
. deploy/common.sh
servers="hello-tcp chat-server udp-temp"

# about SERVICE: its variables, its relay, and the port that it has on this machine while it is ours.
about() {
	service=$1
	case $1 in
	hello-tcp) name=HELLO relay=hello-relay network=tcp port=8080 ;;
	chat-server) name=CHAT relay=chat-relay network=tcp port=12345 ;;
	udp-temp) name=TEMP relay=temp-relay network=udp port=1314 ;;
	*) fail "no server is called $1" "没有叫 $1 的服务" "make yours S=hello-tcp PORT=9000 # or chat-server, udp-temp" "make yours S=hello-tcp PORT=9000 # 或 chat-server, udp-temp" ;;
	esac
	yours=$(setting "${name}_YOURS")
	before=$(setting "${name}_PORT_BEFORE")
	published=${before:-$(setting "${name}_PORT" $port)}
}

# must NAME [VALUE]: remembers it; a line of the user's own in .env, or the shell, must not decide otherwise.
must() {
	remember "$@"
	[ "$(setting "$1")" = "${2:-}" ] || fail "$1 is set in .env or in the shell" "$1 已在 .env 或 shell 中设置"
}

# compose_file [FILE]: Compose reads FILE for this service, or none but its own.
compose_file() {
	files=$(setting COMPOSE_FILE docker-compose.yml | sed "s|:deploy/yours-$service\.yml||")${1:+:$1}
	if [ "$files" = docker-compose.yml ]; then files=; fi
	must COMPOSE_FILE "$files"
}

# unpublish, publish: the port of this machine.
unpublish() {
	must "${name}_PORT_BEFORE" "$published"
	must "${name}_PORT" 0 # any free one
}
publish() {
	if [ -z "$before" ]; then return; fi
	must "${name}_PORT_BEFORE"
	if [ "$published" = $port ]; then published=; fi
	must "${name}_PORT" "$published"
}

whose() {
	for server in $servers; do
		about $server
		if [ -z "$yours" ]; then continue; fi
		say "$server is yours: the program at port $yours of this machine (make ours puts ours back)" \
			"$server 是你的: 本机端口 $yours 上的程序 (make ours 换回我们的)"
	done
}

ours() {
	back=
	for server in $servers; do
		about $server
		if [ -z "$yours" ]; then continue; fi
		back=yes up=$(containers -q)
		compose --progress quiet rm -sf $server $relay >/dev/null
		must "${name}_YOURS"
		compose_file
		publish
		if [ -n "$up" ]; then deploy/wire.sh $server start; fi
		say "$server is ours again" "$server 又是我们的了"
	done
	if [ $back ]; then docker volume rm "${project}_yours" >/dev/null 2>&1 || true; fi
}

program() {
	[ "$PORT" -gt 0 ] 2>/dev/null && [ "$PORT" -le 65535 ] || fail "PORT=$PORT is not a port: 1 to 65535" "PORT=$PORT 不是端口号: 应为 1 到 65535"
	for server in $servers; do
		about $server
		[ $server = "$1" ] || [ "$published" != "$PORT" ] || fail "port $PORT is that of $server on this machine" "端口 $PORT 是本机上 $server 的端口"
	done
	about "$1"
	compose --progress quiet rm -sf $service >/dev/null # before its settings change: then its port is free
	publish
	about "$1"
	if [ "$PORT" = "$published" ]; then
		unpublish
		say "$service of ours has left port $PORT of this machine to your program" "我们的 $service 已把本机的端口 $PORT 让给你的程序"
	fi
	must "${name}_YOURS" "$PORT"
	compose_file "deploy/yours-$service.yml"
	compose --progress quiet up -d --no-build --force-recreate $relay
	deploy/wire.sh $service start
	say "start your program: it must wait at port $PORT of 127.0.0.1, or of $(hostname)" \
		"请启动你的程序: 它应在 127.0.0.1 或 $(hostname) 的端口 $PORT 等待"
	if [ "$(uname)" != Linux ]; then return; fi # the relay's machine is another one: it cannot see who waits
	compose exec -T $relay referee relay wait $network "$PORT" || exit 1
	say "it is there" "它在了"
}

case $1 in
ours | whose) $1 ;;
*)
	about "$1"
	[ -n "${PORT:-}" ] || fail "where is your program?" "你的程序在哪里?" "make yours S=$1 PORT=9000" "make yours S=$1 PORT=9000"
	[ -n "$(deploy/compose.sh ps -q "$service")" ] || fail "$service is not running" "$service 没有运行" "make up" "make up"
	program "$1"
	whose
	;;
esac
