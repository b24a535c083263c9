package main

import "netlab.example/pkg/app"

// Config is what the environment may set for serve: UDP_TEMP_LISTEN and so on. There is no limit on
// connections and no idle time: a server of datagrams has neither, and remembers nobody.
type Config struct {
	app.Common
	Listen string `split_words:"true" default:"udp://:1314" desc:"addresses to receive on, separated by commas" zh:"接收的地址, 用逗号分隔"`
}

// ClientConfig is what the environment may set for client: TEMP_CLIENT_SERVER and so on.
type ClientConfig struct {
	Server  string `split_words:"true" default:"udp://127.0.0.1:1314" desc:"the server; an argument overrides it" zh:"服务器地址; 命令行参数优先"`
	Replies string `split_words:"true" desc:"folder for the client's own socket on unixgram; empty: beside the server's" zh:"客户端自己的 unixgram 套接字所在的目录; 空: 在服务器的套接字旁边"`
}
