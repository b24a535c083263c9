package main

import (
	"strconv"

	"netlab.example/pkg/app"
	"netlab.example/pkg/language"
)

// Config is what the environment may set for serve: WIRE_SERVICE and so on.
//
// Wire shares its network namespace with the service, so its own ports (API, OPS) must differ from the service's,
// and from 9100, where the service answers health checks.
type Config struct {
	app.Common
	Service   string    `split_words:"true" default:"tcp://:8080" desc:"the service to watch: protocol and port" zh:"要观察的服务: 协议和端口"`
	API       string    `split_words:"true" default:"tcp://127.0.0.1:9101" desc:"where wire's HTTP API listens, for its own commands: on loopback, or a unix socket" zh:"wire 的 HTTP API 监听的地址, 供它自己的命令用: 回环地址或 unix 套接字"`
	Control   string    `split_words:"true" desc:"a unix socket for other containers, such as unix:///run/control/hello.sock; empty: none" zh:"供其他容器用的 unix 套接字, 如 unix:///run/control/hello.sock; 空: 没有"`
	Link      string    `split_words:"true" desc:"the link from the start, as wire link takes it: out.loss=30% or 3g" zh:"一开始的链路, 写法同 wire link: out.loss=30% 或 3g"`
	Scenario  string    `split_words:"true" desc:"what to do from the start, as wire do takes it; lines are separated by semicolons" zh:"一开始要做的事, 写法同 wire do; 各行用分号隔开"`
	Interface string    `split_words:"true" default:"eth0" desc:"the network interface; wire ends when it is gone" zh:"网络接口; 它消失后 wire 退出"`
	Queue     queue     `split_words:"true" default:"10" desc:"number of the kernel's packet queue (0 to 65535)" zh:"内核数据包队列的编号 (0 到 65535)"`
	Records   app.Count `split_words:"true" default:"100000" desc:"most packets remembered" zh:"最多记住的数据包数"`
	Memory    app.Count `split_words:"true" default:"64" desc:"most memory for remembered packets, in MiB" zh:"记住数据包所用内存的上限, MiB"`
	Keep      app.Count `split_words:"true" default:"65535" desc:"most bytes remembered of each packet" zh:"每个数据包最多记住的字节数"`
}

// queue is the number of an NFQUEUE.
type queue uint16

// Decode reads a number from 0 to 65535.
func (q *queue) Decode(v string) error {
	n, err := strconv.ParseUint(v, 10, 16)
	if err != nil {
		return language.Errorf("应为 0 到 65535 的数字", "want a number from 0 to 65535")
	}
	*q = queue(n)
	return nil
}
