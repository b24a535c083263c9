#!/bin/sh
# settings.sh forget | zh | en: what "make up" remembers for this clone, in .env.
set -eu
cd "$(dirname "$0")/.."
. deploy/common.sh
case $1 in
forget)
	deploy/yours.sh ours # while .env still knows what is yours
	names=$(sed -n "s/=.*$mark\$//p" .env 2>/dev/null | tr '\n' ' ') || names=
	for name in $names; do remember "$name"; done
	say "forgotten: ${names:-nothing was remembered}" "已忘记: ${names:-没有记过什么}"
	;;
zh | en)
	remember NETLAB_LANG "$1"
	. deploy/common.sh # in that language
	[ "$(setting NETLAB_LANG)" = "$1" ] || fail "NETLAB_LANG is set in .env or in the shell" "NETLAB_LANG 已在 .env 或 shell 中设置"
	say "English from now on; for the servers, too: make up" "从现在起用中文; 要让服务器也用中文: make up"
	;;
esac
