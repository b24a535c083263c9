#!/bin/sh
# pictures.sh: draws docs/ladder.svg and docs/ladder.zh.svg: a chat over a link that loses one answer. A chat
# server with its wire, under a project of their own; whatever lab is running is left alone.
set -eu
cd "$(dirname "$0")/.."
deploy/prepare.sh
. deploy/common.sh
deploy/build.sh
export COMPOSE_PROJECT_NAME=netlab-pictures CHAT_PORT=0 CHAT_SERVER_MODE=room LAB_PREFIX6=fd6e:6574:6c61:7069
dir=$(mktemp -d)
trap 'exec 3>&-; compose --profile "*" down --volumes -t 2 >/dev/null 2>&1; rm -rf "$dir"' EXIT

heard() { # PATTERN: waits until the client has printed it
	for _ in $(seq 300); do
		if grep -q "$1" "$dir/heard"; then return; fi
		sleep 0.1
	done
	cat "$dir/heard" >&2
	fail "the client did not hear \"$1\"" "客户端没有收到“$1”" "make doctor" "make doctor"
}

draw() { # LANGUAGE FILE
	export NETLAB_LANG="$1"
	compose up -d --wait --no-build wire-chat >"$dir/up" 2>&1 || { cat "$dir/up" >&2; exit 1; }
	compose exec -T wire-chat wire do 'drop data #2 to client' >/dev/null # the next connection's
	rm -f "$dir/typed"
	mkfifo "$dir/typed"
	: >"$dir/heard"
	compose run --rm -T --no-deps chat-client <"$dir/typed" >"$dir/heard" 2>&1 &
	exec 3>"$dir/typed"
	heard '/help' # the welcome: data #1
	echo /who >&3
	heard '1.*: guest-1' # the answer: data #2, which is lost and sent again
	exec 3>&-
	wait $!
	compose exec -T wire-chat wire picture --last >"$dir/picture"
	mv "$dir/picture" "docs/$2"
}
mkdir -p docs
draw en ladder.svg
draw zh ladder.zh.svg
say "docs/ladder.svg, docs/ladder.zh.svg" "docs/ladder.svg, docs/ladder.zh.svg"
