# subnet.sh: can the lab have its IPv6 subnet? Sourced from the repository's root, after common.sh.
subnet=$(setting LAB_SUBNET6 fd6e:6574:6c61:62::/64)

# subnet_trouble says why not, with exit 1. The lab's own network, where it has that subnet already, is no trouble.
subnet_trouble() {
	case " $(docker network inspect -f '{{range .IPAM.Config}}{{.Subnet}} {{end}}' "${project}_lab" 2>/dev/null)" in
	*" $subnet "*) return ;;
	esac
	# The engine itself knows best.
	docker network create --ipv6 --subnet "$subnet" "$project-try-$$" 2>&1 >/dev/null || return 1
	docker network rm "$project-try-$$" >/dev/null
}

subnet_hint() {
	if [ "$subnet" = fd6e:6574:6c61:63::/64 ]; then next=fd6e:6574:6c61:64::/64; else next=fd6e:6574:6c61:63::/64; fi
	echo "echo LAB_SUBNET6=$next >>.env; docker network ls"
}
