#!/bin/sh
# help.sh: the verbs of make, in the reader's language: from "verb: ## English | 中文" in both files.
set -eu
cd "$(dirname "$0")/.."
. deploy/common.sh
list() { # FILE
	awk -v zh="$chinese" -F ':.*## | [|] ' '/^[a-z0-9-]+:.*## / { printf "  make %-13s # %s\n", $1, zh ? $3 : $2 }' "$1"
}
list Makefile
words "  make en            # everything in English from now on; make zh: in Chinese" "  make zh            # 从现在起用中文; make en: 用英文"
words "
for those who change the lab:" "
给修改本项目的人:"
list deploy/maintain.mk
