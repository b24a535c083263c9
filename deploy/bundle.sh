#!/bin/sh
# bundle.sh: saves the lab's images and the Compose binary in one tar, for a classroom with no Go and no
# internet: with that tar beside the Makefile of a clone, "make up" needs Docker and nothing else.
# bundle.sh sources: prints a checksum of all that goes into the images.
set -eu
cd "$(dirname "$0")/.."
. deploy/common.sh
sources() {
	find pkg services deploy/Dockerfile -type f ! -name '*_test.go' ! -name '*.md' | LC_ALL=C sort | xargs cat | cksum | tr ' ' -
}
if [ "${1:-}" = sources ]; then
	sources
	exit
fi
arch=$(docker version -f '{{.Server.Arch}}')
bundle=netlab-bundle-$arch.tar
binary=.tools/docker-compose
if ! [ -x $binary ]; then
	binary=$(docker info -f '{{range .ClientInfo.Plugins}}{{if eq .Name "compose"}}{{.Path}}{{end}}{{end}}')
fi
dir=$(mktemp -d)
trap 'rm -rf "$dir" "$bundle.part"' EXIT
{
	echo "sources=$(sources)"
	echo "images=linux/$arch"
	echo "compose=$(uname -sm) $(compose version --short)"
	echo "made=$(date -u +%Y-%m-%dT%H:%M:%SZ)"
} >"$dir/about"
docker save -o "$dir/images.tar" $images
cp "$binary" "$dir/docker-compose"
tar -cf "$bundle.part" -C "$dir" about docker-compose images.tar
mv "$bundle.part" "$bundle"
mkdir -p .tools
echo "$(cat "$dir/about") $(docker image inspect -f '{{.Id}}' $images)" >.tools/bundle # its images are here already
say "$bundle, $(du -m "$bundle" | cut -f1) MB: put it beside the Makefile of a clone, and make up needs only Docker" \
	"$bundle, $(du -m "$bundle" | cut -f1) MB: 放到另一份代码的 Makefile 旁边, make up 就只需要 Docker"
