#!/bin/sh
# build.sh: builds the images if "prepare.sh" found that they can be built. Quiet, unless it fails.
set -eu
cd "$(dirname "$0")/.."
. deploy/common.sh
if [ "$(setting BUILD)" = none ]; then exit; fi
have $images || say "building the images, the first time for about a minute" "正在构建镜像, 第一次大约需要一分钟"
compose --progress plain --profile "*" build >.tools/build.log 2>&1 || {
	sed -n '/^------$/,$p' .tools/build.log | grep . >&2 || tail -n 20 .tools/build.log >&2
	fail "the images cannot be built" "镜像构建失败" "all of it: .tools/build.log" "全部输出: .tools/build.log"
}
