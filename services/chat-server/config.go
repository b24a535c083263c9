package main

import (
	"netlab.example/pkg/app"
	"netlab.example/pkg/language"
)

// Config is what the environment may set for serve: CHAT_SERVER_LISTEN and so on.
type Config struct {
	app.Common
	Listen      string       `split_words:"true" default:"tcp://:12345" desc:"addresses to listen on, separated by commas" zh:"监听的地址, 用逗号分隔"`
	Mode        Mode         `split_words:"true" default:"room" desc:"room: any number of people; turns: one at a time, with the operator" zh:"room: 多人聊天室; turns: 与操作员一对一, 轮流说话"`
	Rate        app.Limit    `split_words:"true" default:"20" desc:"lines a second that each person may send; 0: any number" zh:"每人每秒可发的行数; 0: 不限"`
	IdleTimeout app.Duration `split_words:"true" default:"0s" desc:"longest silence of a person; 0: any" zh:"一个人最长的沉默时间; 0: 不限"`
	MaxConns    app.Count    `split_words:"true" default:"4096" desc:"most people at a time (turns: one)" zh:"同时在线的最多人数 (turns: 一人)"`
	Backlog     app.Limit    `split_words:"true" default:"0" desc:"argument of listen(2); 0: the system's default, in turns 1" zh:"listen(2) 的参数; 0: 系统默认, turns 为 1"`
	Congestion  string       `split_words:"true" desc:"congestion control of TCP, such as reno; empty: the system's default" zh:"TCP 拥塞控制算法, 例如 reno; 空: 系统默认"`
}

// ClientConfig is what the environment may set for client: CHAT_CLIENT_SERVER and so on.
type ClientConfig struct {
	Server     string `split_words:"true" default:"tcp://127.0.0.1:12345" desc:"the server; an argument overrides it" zh:"服务器地址; 命令行参数优先"`
	Name       string `split_words:"true" desc:"your name in the room; -name overrides it" zh:"聊天室里的名字; -name 优先"`
	Mode       Mode   `split_words:"true" default:"room" desc:"how to talk, the same as the server's (room, turns)" zh:"聊天方式, 与服务器相同 (room, turns)"`
	Congestion string `split_words:"true" desc:"congestion control of TCP, such as reno; empty: the system's default" zh:"TCP 拥塞控制算法, 例如 reno; 空: 系统默认"`
}

// A Mode is room or turns.
type Mode string

const (
	inRoom  Mode = "room"
	inTurns Mode = "turns"
)

// Decode reads a mode.
func (m *Mode) Decode(v string) error {
	if *m = Mode(v); *m != inRoom && *m != inTurns {
		return language.Errorf("应为 room 或 turns", "want room or turns")
	}
	return nil
}
