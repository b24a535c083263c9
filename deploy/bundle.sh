#!/bin/sh
# bundle.sh: the lab's programs and Compose in one tar, for a classroom with no Go and no internet: with
# that tar beside the Makefile of a clone, "make up" needs Docker and nothing else.
set -eu
cd "$(dirname "$0")/.."
. deploy/common.sh
arch=$(docker version -f '{{.Server.Arch}}')
bundle=netlab-bundle-$arch.tar
binary=.tools/docker-compose
if ! [ -x $binary ]; then
	binary=$(docker info -f '{{range .ClientInfo.Plugins}}{{if eq .Name "compose"}}{{.Path}}{{end}}{{end}}')
fi
dir=$(mktemp -d)
trap 'rm -rf "$dir" "$bundle.part"' EXIT
for program in $programs; do
	id=$(docker create "localhost/netlab/$program:dev" "$program")
	docker cp -q "$id:/$program" "$dir" 2>/dev/null || docker cp "$id:/$program" "$dir"
	docker rm "$id" >/dev/null
done
cp "$binary" "$dir/docker-compose"
{
	echo "sources=$(sources)"
	echo "images=linux/$arch"
	echo "compose=$(uname -sm) $(compose version --short)"
	echo "made=$(date -u +%Y-%m-%dT%H:%M:%SZ)"
} >"$dir/about"
tar -cf "$bundle.part" -C "$dir" about docker-compose $programs
mv "$bundle.part" "$bundle"
echo "$(cat "$dir/about") $(docker image inspect -f '{{.Id}}' $images)" >.tools/bundle # its images are here already
say "$bundle, $(du -m "$bundle" | cut -f1) MB: put it beside the Makefile of a clone, and make up needs only Docker" \
	"$bundle, $(du -m "$bundle" | cut -f1) MB: 放到另一份代码的 Makefile 旁边, make up 就只需要 Docker"
say "sha256 $(digest "$bundle"): make up shows it again" "sha256 $(digest "$bundle"): make up 会再次显示它"
