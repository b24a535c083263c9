# ports.sh: the ports that the lab wants. Sourced from the repository's root, after common.sh.
wants="tcp/HELLO_PORT/$(setting HELLO_PORT 8080) tcp/CHAT_PORT/$(setting CHAT_PORT 12345) udp/TEMP_PORT/$(setting TEMP_PORT 1314)"

# holder PROTOCOL PORT: who has it; nothing if it is free, or our own lab's. Docker knows the names of containers, ss
# those of programs. (On [::] alone a program leaves 127.0.0.1's port free. A docker-proxy whose container is not to
# be seen is about to end.) Where there is no ss, the engine finds out.
holder() {
	docker ps --filter "publish=$2/$1" \
		--format '{{if .Label "com.docker.compose.config-hash"}}{{.Label "com.docker.compose.project"}}{{end}} {{.Names}}' |
		sed -n "/^$project /!s/.* /$(words 'the container ' '容器 ')/p; q"
	if [ -n "$(docker ps -q --filter "publish=$2/$1")" ]; then return; fi
	ss -Hlnp "--$1" "sport = :$2" 2>/dev/null | grep -E ' (127\.0\.0\.1|0\.0\.0\.0|\*):' | grep -v '"docker-proxy"' |
		sed "s/.*((\"\([^\"]*\)\",pid=\([0-9]*\).*/\1 (\2)/; t; s/.*/$(words 'another program' '别的程序')/" | head -n 1
}

# advise PROTOCOL VARIABLE PORT: adds to $moves the next port that nobody has, nor the lab itself wants.
advise() {
	free=$3
	while
		free=$((free < 65535 ? free + 1 : 1024))
		case "$wants $moves " in *[/=]"$free "*) true ;; *) [ -n "$(holder "$1" $free)" ] ;; esac
	do :; done
	moves="$moves$2=$free "
}

# ports: says which of them cannot be had, and the command that moves them; $refused names them. Exit 1 if there is one.
ports() {
	moves='' refused='' seen=' '
	for want in $wants; do
		protocol=${want%%/*} port=${want##*/} name=${want#*/} name=${name%/*}
		if ! [ "$port" -ge 0 ] 2>/dev/null || [ "$port" -gt 65535 ]; then
			say "$name=$port is not a port: 1 to 65535, or 0 for any free one" "$name=$port 不是端口号: 应为 1 到 65535, 或 0 (任意空闲端口)"
			refused="$refused $name"
			continue
		fi
		if [ "$port" = 0 ]; then continue; fi
		case $seen in *" $protocol/$port "*) who='HELLO_PORT' ;; *) who=$(holder "$protocol" "$port") ;; esac
		seen="$seen$protocol/$port "
		if [ -z "$who" ]; then continue; fi
		say "port $port/$protocol ($name) is taken by $who" "端口 $port/$protocol ($name) 已被占用: $who"
		advise "$protocol" "$name" "$port"
		refused="$refused $name"
	done
	if [ -n "$moves" ]; then hint "${moves}make up" "${moves}make up"; fi
	[ -z "$refused" ]
}
