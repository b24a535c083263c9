# common.sh: what the other scripts share. Sourced from the repository's root, never run.
images="localhost/netlab/hello-tcp:dev localhost/netlab/chat-server:dev localhost/netlab/udp-temp:dev localhost/netlab/wire:dev"

# setting NAME [DEFAULT]: what Compose will see, the shell's value or else .env's. Empty counts as unset.
setting() {
	eval "value=\${$1:-}"
	if [ -z "$value" ] && [ -f .env ]; then
		value=$(sed -n -e 's/ #.*//' -e "s/^$1=//p" .env | tail -n 1 | tr -d "\"'\r")
	fi
	echo "${value:-${2:-}}"
}
project=$(setting COMPOSE_PROJECT_NAME netlab)

# The language of the person, decided as pkg/language does.
locale=$(setting NETLAB_LANG "${LC_ALL:-${LC_MESSAGES:-${LANG:-}}}")
case ${locale%%.*} in
'' | C | POSIX | [zZ][hH]*) chinese=yes ;;
*) chinese= ;;
esac
words() { if [ $chinese ]; then echo "$2"; else echo "$1"; fi; } # ENGLISH CHINESE
say() { echo "netlab: $(words "$1" "$2")"; }
hint() { echo "  hint: $(words "$1" "$2")"; }
fail() { # ENGLISH CHINESE [HINT-ENGLISH HINT-CHINESE]
	say "$1" "$2" >&2
	if [ -n "${3:-}" ]; then hint "$3" "$4" >&2; fi
	exit 1
}

# told [NAME...]: what this command alone was told, for the next one to be told as well: "NETLAB_LANG=en ".
told() {
	for name in LAB_SUBNET6 NETLAB_LANG COMPOSE_PROJECT_NAME "$@"; do
		eval "value=\${$name:-}"
		if [ -n "$value" ]; then printf '%s=%s ' "$name" "$value"; fi
	done
}

have() { docker image inspect "$@" >/dev/null 2>&1; }
plugin() { docker compose version --short 2>/dev/null | sed 's/^v//'; } # its version; nothing where there is none

# compose ARGUMENTS: the binary in .tools exists only where it was needed.
if [ -x .tools/docker-compose ]; then compose_name=.tools/docker-compose; else compose_name="docker compose"; fi
compose() { $compose_name "$@"; }
