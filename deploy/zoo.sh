#!/bin/sh
# zoo.sh: judges every server of the referee's zoo, and writes what became of it: docs/zoo.md, docs/zoo.zh-CN.md.
set -eu
cd "$(dirname "$0")/.."
page() { # LANGUAGE TITLE TEXT FILE
	printf '# %s\n\n%s\n' "$2" "$3" >"$4.part"
	NETLAB_LANG=$1 go run ./services/referee zoo >>"$4.part"
	mv "$4.part" "$4"
}
page en "A zoo of wrong servers" "\`make zoo\` writes this page. Each server is wrong in exactly one way, and [the referee](../services/referee/README.md) has
to find it out: it must fail the checks named for it, for the stated reason, and no others. What is not judged needs a
check that has failed. The first of each table is right, and fails nothing. To meet one, after \`make build\`:
\`bin/referee zoo NAME\`." docs/zoo.md
page zh "错误服务器动物园" "\`make zoo\` 写出这一页。每个服务器恰好错在一处, [裁判](../services/referee/README.zh-CN.md) 必须发现它:
它没有通过的检查必须是为它指定的那些, 原因也要相符, 而且只有那些。“未判定”的检查需要某项已经失败的检查。
每张表的第一个是正确的, 全部通过。想见见其中一个: \`bin/referee zoo NAME\`, 先 \`make build\`。" docs/zoo.zh-CN.md
