# common.sh: what the other scripts share. Sourced from the repository's root, never run.
programs="hello-tcp chat-server udp-temp wire referee"
images=$(printf 'localhost/netlab/%s:dev ' $programs)

# setting NAME [DEFAULT]: what Compose will see, the shell's value or else .env's. Empty counts as unset.
setting() {
	eval "value=\${$1:-}"
	if [ -z "$value" ] && [ -r .env ]; then
		value=$(sed -n "s/[[:space:]]*\$//; s/  *#.*//; s/^ *export  *//; s/^ *$1 *= *//p" .env | tail -n 1 | tr -d "\"'")
	fi
	put "${value:-${2:-}}"
}

put() { printf '%s\n' "$1"; } # as it is: echo of some shells changes what follows a backslash

# cp gives up if .env is replaced while it copies.
copied() { for try in 1 2 3 4 5 6 7 8 9; do cp -p .env .env.$$ && return; done; }

# remember NAME [VALUE]: .env gets this line, with our mark; without a VALUE it loses ours. A line of the user's
# own stays as it is, and decides. The new file is written beside the old one, and only if something changes:
# another "make up" at the same time never reads half a file.
mark='# by make up; make forget drops it'
remember() {
	old=$(cat .env 2>/dev/null || true)
	rest=$(put "$old" | grep -v "^$1=.*$mark\$" || true)
	if put "$rest" | grep -Eq "^ *(export +)?$1 *="; then return; fi
	new=$rest${2:+${rest:+
}$1=$2 $mark}
	if [ "$new" = "$old" ]; then return; fi
	if [ -z "$new" ]; then
		rm .env
	else
		{ [ ! -e .env ] || copied; } && put "$new" >.env.$$ && mv .env.$$ .env
	fi 2>/dev/null || fail "$PWD/.env cannot be written" "无法写入 $PWD/.env" "ls -ld . .env" "ls -ld . .env"
}

# The language of the person, decided as pkg/language does.
locale=$(setting NETLAB_LANG "${LC_ALL:-${LC_MESSAGES:-${LANG:-}}}")
case ${locale%%.*} in
'' | C | POSIX | [zZ][hH]*) chinese=yes ;;
*) chinese= ;;
esac
words() { if [ $chinese ]; then put "$2"; else put "$1"; fi; } # ENGLISH CHINESE
say() { put "netlab: $(words "$1" "$2")"; }
hint() { if [ $chinese ]; then put "  提示: $2"; else put "  hint: $1"; fi; }
fail() { # ENGLISH CHINESE [HINT-ENGLISH HINT-CHINESE]
	say "$1" "$2" >&2
	if [ -n "${3:-}" ]; then hint "$3" "$4" >&2; fi
	exit 1
}

have() { docker image inspect "$@" >/dev/null 2>&1; }
plugin() { docker compose version --short 2>/dev/null | sed 's/^v//'; } # its version; nothing if there is none

digest() { { sha256sum "$1" || shasum -a 256 "$1"; } 2>/dev/null | cut -c1-64; }
sources() { # a checksum of all that goes into the images
	find pkg services deploy/Dockerfile -type f ! -name '*_test.go' ! -name '*.md' | LC_ALL=C sort | xargs cat | cksum | tr ' ' -
}

# prefix6 draws an IPv6 prefix, the first half of a /64. Beginning with fd it is a private one.
prefix6() { od -An -N7 -tx1 /dev/urandom | tr -d ' \n' | sed 's/\(..\)\(....\)\(....\)\(....\)/fd\1:\2:\3:\4/'; }

# The binary in .tools exists only if Docker has no Compose, or one that cannot build.
compose() { $(compose_name) "$@"; }
compose_name() { if [ -x .tools/docker-compose ]; then echo .tools/docker-compose; else echo docker compose; fi; }

project=$(setting COMPOSE_PROJECT_NAME netlab)
ours="label=com.docker.compose.project=$project"
# An image that Compose built passes its project label on to everything run from it: only what Compose itself
# started has a config-hash.
containers() { docker ps "$@" --filter "$ours" --filter label=com.docker.compose.config-hash; }
