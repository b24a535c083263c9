module netlab.example/services/referee

go 1.26.0

require (
	go.uber.org/zap v1.28.0
	netlab.example/pkg v0.0.0
)

require (
	github.com/creack/pty v1.1.24 // indirect
	github.com/gopacket/gopacket v1.7.7 // indirect
	github.com/kelseyhightower/envconfig v1.4.0 // indirect
	github.com/rivo/uniseg v0.4.7 // indirect
	go.uber.org/multierr v1.10.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
)

replace netlab.example/pkg => ../../pkg
