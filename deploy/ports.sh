#!/bin/sh
# ports.sh: names each port that the lab wants and somebody else has, with the variable that moves it.
# Exit 1 if there is one. What our own running lab has published does not count.
set -eu
cd "$(dirname "$0")/.."
. deploy/common.sh
# (An image that Compose built passes its project label on to everything run from it: only what Compose itself
# started has a config-hash.)
published=$(docker ps --format '{{if .Label "com.docker.compose.config-hash"}}{{.Label "com.docker.compose.project"}}{{end}}|{{.Names}}|{{.Ports}}')

# Containers first: Docker knows their names, and on some systems no socket of theirs is seen from here.
container() { # PROTOCOL PORT: "project|name" of who has published it
	echo "$published" | awk -F'|' -v port=":$2->" -v protocol="/$1" '{
		n = split($3, entry, ", ")
		for (i = 1; i <= n; i++) if (index(entry[i], port) && index(entry[i], protocol)) { print $1 "|" $2; exit }
	}'
}

# A socket counts when it is bound to 127.0.0.1 or to every address, in the kernel's hexadecimal;
# tcp: only when it listens (0A).
bound() { # PROTOCOL PORT
	if [ -r "/proc/net/$1" ]; then
		cat "/proc/net/$1" "/proc/net/${1}6" 2>/dev/null | awk -v port="$(printf %04X "$2")" -v protocol="$1" '
			split($2, at, ":") == 2 && at[2] == port && at[1] ~ /^(0+|0100007F|0+FFFF00000100007F)$/ &&
				(protocol == "udp" || $4 == "0A") { found = 1 }
			END { exit !found }'
	elif [ "$1" = tcp ]; then
		lsof -nP -iTCP:"$2" -sTCP:LISTEN >/dev/null 2>&1
	else
		lsof -nP -iUDP:"$2" >/dev/null 2>&1
	fi
}

holder() { # PROTOCOL PORT: who has it; nothing when it is free or ours
	found=$(container "$1" "$2")
	if [ -n "$found" ]; then
		if [ "${found%%|*}" != "$project" ]; then words "the container ${found#*|}" "容器 ${found#*|}"; fi
	elif bound "$1" "$2"; then
		name=$(ss -Hlnp"${1%"${1#?}"}" "sport = :$2" 2>/dev/null | sed -n 's/.*users:(("\([^"]*\)",pid=\([0-9]*\).*/\1 (\2)/p' | head -n 1)
		words "${name:-another program}" "${name:-别的程序}"
	fi
}

is_port() { # TEXT: a number from 0, which is any free one, to 65535, without zeros in front of it
	case $1 in
	0) ;;
	0* | *[!0-9]* | ??????*) return 1 ;;
	*) [ "$1" -le 65535 ] ;;
	esac
}

advise() { # PROTOCOL VARIABLE PORT: a port after that one that nobody has, nor the lab itself wants
	free=$3
	while
		free=$((free < 65535 ? free + 1 : 1024))
		case " $hello $chat $temp $moves" in *[\ =]"$free "*) true ;; *) [ -n "$(holder "$1" $free)" ] ;; esac
	do :; done
	moves="$moves$2=$free "
	status=1
}

check() { # PROTOCOL VARIABLE PORT
	if ! is_port "$3"; then
		say "$2=$3 is not a port: 1 to 65535, or 0 for any free one" "$2=$3 不是端口号: 应为 1 到 65535, 或 0 (任意空闲端口)"
		status=1
		return
	fi
	if [ "$3" = 0 ]; then return; fi
	who=$(holder "$1" "$3")
	if [ -z "$who" ]; then return; fi
	say "port $3/$1 is taken by $who" "端口 $3/$1 已被占用: $who"
	advise "$@"
}

status=0 moves=
hello=$(setting HELLO_PORT 8080) chat=$(setting CHAT_PORT 12345) temp=$(setting TEMP_PORT 1314)
check tcp HELLO_PORT "$hello"
check tcp CHAT_PORT "$chat"
check udp TEMP_PORT "$temp"
if [ "$hello" = "$chat" ] && [ "$hello" != 0 ] && is_port "$hello"; then # TEMP_PORT is UDP's: a number of its own
	say "HELLO_PORT and CHAT_PORT are both $hello" "HELLO_PORT 和 CHAT_PORT 都是 $hello"
	case $moves in *CHAT_PORT=*) ;; *) advise tcp CHAT_PORT "$chat" ;; esac
fi
if [ -n "$moves" ]; then # one command that works, with what this one was told
	for name in HELLO_PORT CHAT_PORT TEMP_PORT; do
		case $moves in *"$name="*) unset $name ;; esac
	done
	again="$(told CHAT_SERVER_MODE HELLO_PORT CHAT_PORT TEMP_PORT)${moves}make up"
	hint "$again" "$again"
fi
exit $status
