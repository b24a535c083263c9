#!/bin/sh
# golang-image.sh NAME: imports this Linux host's Go and CA bundle as image NAME
# (no shell, no libc: enough for "go build" with CGO_ENABLED=0).
set -eu
img=$(mktemp -d)
trap 'rm -rf "$img"' EXIT
(cd "$img" && mkdir -p tmp go etc/ssl/certs usr/local && chmod 1777 tmp)
for f in "${SSL_CERT_FILE:-}" /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt; do
	if [ -r "$f" ]; then
		cp "$f" "$img/etc/ssl/certs/ca-certificates.crt"
		break
	fi
done
ln -s "$(go env GOROOT)" "$img/usr/local/go"
g=usr/local/go
tar -C "$img" -ch --hard-dereference --numeric-owner --owner=0 --group=0 --exclude=$g/api --exclude=$g/doc \
	--exclude=$g/misc --exclude=$g/test --exclude=$g/src/cmd --exclude=testdata --exclude='*_test.go' . |
	docker import -c 'ENV PATH=/go/bin:/usr/local/go/bin GOPATH=/go GOTOOLCHAIN=local HOME=/' \
		-c 'WORKDIR /go' -m "$(go version)" - "$1"
