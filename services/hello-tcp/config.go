package main

import "netlab.example/pkg/app"

// Config is what the environment may set for serve: HELLO_TCP_LISTEN and so on.
type Config struct {
	app.Common
	Listen      string       `split_words:"true" default:"tcp://:8080" desc:"addresses to listen on, separated by commas" zh:"监听的地址, 用逗号分隔"`
	Name        string       `split_words:"true" default:"Michael" desc:"whom the answer greets" zh:"回答中问候的名字"`
	IdleTimeout app.Duration `split_words:"true" default:"10s" desc:"longest wait for a whole request, more than 0" zh:"等待一个完整请求的最长时间, 大于 0"`
	MaxConns    app.Count    `split_words:"true" default:"4096" desc:"most connections at a time" zh:"同时连接的最大数目"`
	Backlog     app.Limit    `split_words:"true" default:"0" desc:"argument of listen(2); 0: the system's default" zh:"listen(2) 的参数; 0: 系统默认"`
	Congestion  string       `split_words:"true" desc:"congestion control of TCP, such as reno; empty: the system's default" zh:"TCP 拥塞控制算法, 例如 reno; 空: 系统默认"`
	DeferAccept app.Switch   `split_words:"true" default:"off" desc:"accept a connection when its first data has arrived (on, off)" zh:"首批数据到达时才接受连接 (on, off)"`
}

// ClientConfig is what the environment may set for client: HELLO_CLIENT_SERVER and so on.
type ClientConfig struct {
	Server     string `split_words:"true" default:"tcp://127.0.0.1:8080" desc:"the server; an argument overrides it" zh:"服务器地址; 命令行参数优先"`
	Congestion string `split_words:"true" desc:"congestion control of TCP, such as reno; empty: the system's default" zh:"TCP 拥塞控制算法, 例如 reno; 空: 系统默认"`
}
