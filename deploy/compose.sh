#!/bin/sh
# compose.sh ARGUMENTS...: Compose, wherever it is here. If there is none yet, "make up" gets one.
set -eu
cd "$(dirname "$0")/.."
. deploy/common.sh
[ -x .tools/docker-compose ] || [ -n "$(plugin)" ] || fail "no Compose here yet" "这里还没有 Compose" "make up" "make up"
exec $(compose_name) "$@"
