#!/bin/sh
# unix.sh: the three conversations once more, over AF_UNIX: the same clients, the same bytes, and no
# network. The socket files are on the volume that servers and clients share.
set -eu
cd "$(dirname "$0")/.."
. deploy/common.sh
talk() { # EXPECTED TYPED CLIENT ARGUMENTS...
	expected=$1 typed=$2
	shift 2
	printf '%s\n' "\$ printf '$typed' | $compose_name run --rm -T $*"
	answer=$(printf "$typed" | compose run --rm -T "$@" 2>&1) || true
	printf '%s\n' "$answer" | sed 's/^/  /'
	case $answer in *"$expected"*) ;; *) fail "this answer lacks \"$expected\"" "回答中没有“$expected”" "make logs" "make logs" ;; esac
}
talk "Hello World, " 'hello\n' hello-client unix:///run/netlab/hello.sock
talk "byebye" '/who\nbyebye\n' chat-client -name unix unix:///run/netlab/chat.sock
talk "97.88" '36.6\n' temp-client unixgram:///run/netlab/temp.sock
say "all three answered over AF_UNIX" "三个服务都通过 AF_UNIX 作了回答"
