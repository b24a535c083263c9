#!/bin/sh
# down.sh: stops the lab, those who were added with "run" too, and says what is left: nothing but the images.
set -eu
cd "$(dirname "$0")/.."
. deploy/common.sh
if ! [ -x .tools/docker-compose ] && [ -z "$(plugin)" ]; then # in a fresh clone, and after "make clean"
	docker version >/dev/null 2>&1 || fail "no Docker engine answers" "连不上 Docker 引擎" "make doctor" "make doctor"
	left=$(containers -aq && docker network ls -q --filter "$ours" && docker volume ls -q --filter "$ours")
	if [ -z "$left" ]; then
		say "nothing to stop: no container, network or volume of the lab is here" "没有需要停止的: 这里没有实验环境的容器、网络和卷"
		exit
	fi
	deploy/prepare.sh # gets a Compose
fi
compose --progress quiet --profile '*' down --volumes --remove-orphans -t 5
say "the lab is down; its images stay (make clean removes them)" "实验环境已停止; 镜像还在 (make clean 删除)"
