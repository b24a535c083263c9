#!/bin/sh
# unix.sh: the three conversations once more, over AF_UNIX: the same clients, the same bytes, and no network. Each
# server's socket file is in a volume that its clients mount too.
set -eu
cd "$(dirname "$0")/.."
. deploy/common.sh
if [ "$(setting CHAT_SERVER_MODE)" = turns ]; then # nobody would answer: an operator would have to
	say "over unix sockets the chat is a room; make turns brings the turns back" "unix 套接字上的聊天用聊天室模式; make turns 恢复轮流模式"
fi
export CHAT_SERVER_MODE=room CHAT_CLIENT_MODE=room
deploy/up.sh

talk() { # EXPECTED (a pattern for a line) TYPED CLIENT ARGUMENTS...
	expected=$1 typed=$2
	shift 2
	printf '%s\n' "\$ printf '$typed' | $(compose_name) run --rm -T $*"
	answer=$(printf "$typed" | compose run --rm -T "$@" 2>&1) || true
	printf '%s\n' "$answer" | sed 's/^/  /'
	printf '%s\n' "$answer" | grep -Eq "$expected" ||
		fail "this answer lacks \"$expected\"" "回答中没有“$expected”" "make logs" "make logs"
}
talk 'Hello World, ' 'hello\n' hello-client unix:///run/netlab/hello.sock
talk '^\* [0-9]+ (here|人): ' '/who\nbyebye\n' chat-client -name unix unix:///run/netlab/chat.sock # the answer to /who, in either language
talk '97\.88' '36.6\n' temp-client unixgram:///run/netlab/temp.sock
say "all three answered over AF_UNIX" "三个服务都通过 AF_UNIX 作了回答"
