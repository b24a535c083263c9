#!/bin/sh
# down.sh: stops the lab, those who were added with "run" too, and says what is left: nothing but the images.
set -eu
cd "$(dirname "$0")/.."
. deploy/common.sh
compose --progress quiet --profile '*' down --volumes --remove-orphans -t 5
say "the lab is down; its images stay (make clean removes them)" "实验环境已停止; 镜像还在 (make clean 删除)"
