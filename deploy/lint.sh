#!/bin/sh
# lint.sh: everything that is checked without running anything. Goes on after a finding; exit 1 if there was one.
set -u
cd "$(dirname "$0")/.."
staticcheck=honnef.co/go/tools/cmd/staticcheck@v0.8.2
govulncheck=golang.org/x/vuln/cmd/govulncheck@v1.9.0
modules=$(sed -n 's|^[[:space:]]*\./||p' go.work)
status=0
finding() {
	echo "lint: $1" >&2
	status=1
}

unformatted=$(gofmt -l .)
[ -z "$unformatted" ] || finding "gofmt -w $(echo $unformatted)"
go vet work || finding "go vet"
go run $staticcheck work || finding "staticcheck"

# Each module by itself, as its image is built: the workspace hides an import that go.mod does not declare.
for dir in $modules; do
	(cd "$dir" && GOWORK=off go mod tidy -diff) || finding "go mod tidy, in $dir"
	(cd "$dir" && GOWORK=off go build -o /dev/null ./...) || finding "GOWORK=off go build, in $dir"
done

# Who may import whom: a service no other service, pkg no service, e2e nothing of ours.
for dir in $modules; do
	case $dir in
	services/*) allowed="netlab.example/pkg/|netlab.example/services/${dir##*/}(/|\$)" ;;
	pkg) allowed="netlab.example/pkg/" ;;
	e2e) allowed="netlab.example/e2e" ;;
	*) allowed="netlab.example/" ;; # the measurements import what they measure
	esac
	strangers=$(cd "$dir" && go list -test -deps -f '{{.ImportPath}}' ./... | sed 's/ .*//; s/\.test$//; s/_test$//' |
		grep '^netlab\.example/' | grep -vE "^($allowed)" | sort -u)
	[ -z "$strangers" ] || finding "$dir imports $(echo $strangers)"
done

deps() { go list -deps -f '{{.ImportPath}}' "$@" | grep -E "$forbidden" | sort -u; }

# The floors of pkg. Each package does without what stands above it: sockets without the start-up of a program, the accept
# loop without the line editor, the ground (text, errors, the bounded writer) without any of them.
ours=netlab.example/pkg
without() {
	forbidden="^($2)(/|\$)"
	strangers=$(deps "./pkg/$1")
	[ -z "$strangers" ] || finding "pkg/$1 imports $(echo $strangers)"
}
above="$ours/(app|ops|tcpserver|httpserver|terminal|transcript)|go.uber.org/zap|github.com/(ergochat|kelseyhightower|prometheus)"
for ground in text failure language outlet; do
	without $ground "$ours/sockets|$above"
done
without sockets "$above"
without transcript "$ours/(sockets|terminal|app)|go.uber.org/zap"
without terminal "$ours/(sockets|app|ops|tcpserver)|go.uber.org/zap"
without tcpserver "$ours/(app|terminal|ops)|github.com/ergochat"
without httpserver "$ours/(app|terminal|ops)|go.uber.org/zap"
without ops "$ours/(app|terminal|tcpserver)|github.com/ergochat"

# pkg/wire is for programs that read what a wire tells: no decoder in it, and below it neither a kernel interface nor the logger.
kernel='^(github\.com/(mdlayher|vishvananda|google/nftables)/?|go\.uber\.org/zap)'
forbidden="$kernel|^github\.com/gopacket/"
strangers=$(deps ./pkg/wire)
[ -z "$strangers" ] || finding "pkg/wire imports $(echo $strangers)"
forbidden=$kernel
strangers=$(deps ./pkg/wire/...)
[ -z "$strangers" ] || finding "a package below pkg/wire imports $(echo $strangers)"

# Known vulnerabilities, if the database can be reached.
for dir in $modules; do
	found=$(cd "$dir" && go run $govulncheck ./... 2>&1)
	case $?:$found in
	0:*) ;;
	*"dial tcp"* | *"no such host"* | *Timeout* | *"unexpected status"*)
		echo "lint: the vulnerability database is out of reach: not checked"
		break
		;;
	*)
		echo "$found"
		finding "govulncheck, in $dir"
		;;
	esac
done
exit $status
