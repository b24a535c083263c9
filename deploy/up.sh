#!/bin/sh
# up.sh: builds what changed, starts the lab, waits until it is healthy, and says what to do next.
set -eu
cd "$(dirname "$0")/.."
deploy/prepare.sh
. deploy/common.sh
deploy/ports.sh
. deploy/subnet.sh
why=$(subnet_trouble) || fail "network $subnet: $why" "网络 $subnet: $why" "$(subnet_hint)" "$(subnet_hint)"
deploy/build.sh
compose --progress quiet up --no-build --wait --wait-timeout 60 -d || {
	compose logs --tail 3 hello-tcp chat-server udp-temp >&2 # their last words
	fail "the lab did not start" "实验环境没有启动" "make doctor; make down" "make doctor; make down"
}

port() { # SERVICE PORT [FLAG]: where it is published
	compose port ${3:-} "$1" "$2" | sed 's/.*://'
}
hello=$(port hello-tcp 8080) chat=$(port chat-server 12345) temp=$(port udp-temp 1314 --protocol=udp)
attach="docker attach $project" run="$(told)$compose_name run --rm" make="$(told)make"
if [ "$(setting CHAT_SERVER_MODE)" = turns ]; then # without an operator nobody answers, and a second person waits
	begins=$(words "begins the chat" "先说话") answers=$(words "the operator, who answers" "操作员, 由他回答")
	another="CHAT_SERVER_MODE=turns $run chat-client"
else
	begins=$(words "a person in the chat" "聊天的一个人") answers=$(words "the operator" "服务器端的操作员")
	another="$run chat-client -name $(words Anna 小明)"
fi
words "
the lab is up:
  hello-tcp    http://localhost:$hello
  chat-server  nc 127.0.0.1 $chat
  udp-temp     nc -u 127.0.0.1 $temp
next, each in a terminal of its own (Ctrl-P Ctrl-Q leaves):
  $attach-chat-client-1     $begins
  $attach-chat-server-1     $answers
  $attach-hello-client-1    or temp-client-1
  $another
  $run temp-client 36.6
  $make watch    every packet of hello-tcp (S=chat-server, S=udp-temp)
  $make logs     what the servers tell
  $make down     stops it all" "
实验环境已启动:
  hello-tcp    http://localhost:$hello
  chat-server  nc 127.0.0.1 $chat
  udp-temp     nc -u 127.0.0.1 $temp
接下来, 各开一个终端 (Ctrl-P Ctrl-Q 离开):
  $attach-chat-client-1     $begins
  $attach-chat-server-1     $answers
  $attach-hello-client-1    或 temp-client-1
  $another
  $run temp-client 36.6
  $make watch    看 hello-tcp 的每个数据包 (S=chat-server, S=udp-temp)
  $make logs     查看服务器输出
  $make down     全部停止"
