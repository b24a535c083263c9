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

status=0
check() { # PROTOCOL VARIABLE DEFAULT
	port=$(setting "$2" "$3")
	case $port in
	0) return ;; # any free one
	*[!0-9]* | ??????*)
		say "$2=$port is not a port" "$2=$port 不是端口号"
		status=1
		return
		;;
	esac
	who=$(holder "$1" "$port")
	if [ -z "$who" ]; then return; fi
	free=$((port + 1))
	while [ -n "$(holder "$1" $free)" ]; do free=$((free + 1)); done
	say "port $port/$1 is taken by $who" "端口 $port/$1 已被占用: $who"
	hint "$2=$free make up" "$2=$free make up"
	status=1
}
check tcp HELLO_PORT 8080
check tcp CHAT_PORT 12345
check udp TEMP_PORT 1314
exit $status
