# What a learner types. "make" lists it; what is for those who change the lab is in deploy/maintain.mk.
SERVICES := hello-tcp chat-server udp-temp wire referee
S ?= hello-tcp
export HOME := $(or $(HOME),$(shell eval echo ~$$(id -un)))

.PHONY: help up zh en turns unix ps start watch wire do link picture capture reset referee yours ours logs down doctor bundle forget

help: ## this list | 本列表
	@deploy/help.sh
up: ## start the lab, and say what to do next | 启动实验环境, 并说明接下来做什么
	@deploy/up.sh
zh en: # the language, from now on: make zh, make en
	@deploy/settings.sh $@
turns: ## start it with the chat in turns | 启动, 聊天一人一句
	@CHAT_SERVER_MODE=turns deploy/up.sh
unix: ## start it, and have the same conversations over unix sockets | 启动, 并在 unix 套接字上进行同样的对话
	@deploy/unix.sh
ps: ## what runs, and what was stopped | 哪些在运行, 哪些已停止
	@deploy/compose.sh ps -a && deploy/yours.sh whose
start: ## start a server that was stopped, with its wire: S=chat-server | 重新启动停止的服务和它的 wire: S=chat-server
	@deploy/wire.sh $(S) start
watch: ## the live ladder of one server: S=chat-server | 一个服务的实时梯形图: S=chat-server
	@deploy/wire.sh $(S) watch
wire: ## a command of its wire: S=chat-server ARGS=sockets | 它的 wire 的命令: S=chat-server ARGS=sockets
	@deploy/wire.sh $(S) $(ARGS)
do: ## a fault: S=chat-server ARGS="drop data #1 to client", or a file of them: FILE=faults.txt | 一个故障: S=chat-server ARGS="drop data #1 to client", 或一个文件: FILE=faults.txt
	@deploy/wire.sh $(S) do $(ARGS)
link: ## break the link by chance: S=chat-server ARGS=out.loss=30% | 随机破坏链路: S=chat-server ARGS=out.loss=30%
	@deploy/wire.sh $(S) link $(ARGS)
picture: ## draw the last conversation into ladder.svg: S=chat-server | 把最近一次对话画成 ladder.svg: S=chat-server
	@deploy/wire.sh $(S) picture --last $(ARGS)
capture: ## its packets, for Wireshark, into lab.pcapng: S=chat-server | 把数据包存为 lab.pcapng, 交给 Wireshark: S=chat-server
	@deploy/wire.sh $(S) capture $(ARGS)
reset: ## links, faults and records as at the start | 链路、故障和记录恢复原样
	@deploy/wire.sh all reset
referee: ## judge a server: S=hello-tcp, or yours: S=hello-tcp URL=tcp://127.0.0.1:9000 | 让裁判检查一个服务: S=hello-tcp, 或你自己的: S=hello-tcp URL=tcp://127.0.0.1:9000
	@deploy/referee.sh $(S) "$(URL)" $(ARGS)
yours: ## your program in a server's place: S=hello-tcp PORT=9000 | 让你的程序代替一个服务: S=hello-tcp PORT=9000
	@PORT="$(PORT)" deploy/yours.sh $(S)
ours: ## our servers back in their places | 换回我们的服务
	@deploy/yours.sh ours
logs: ## what the servers tell, until Ctrl-C | 服务器的输出, Ctrl-C 结束
	@trap : INT; deploy/compose.sh logs -f hello-tcp chat-server udp-temp || [ $$? = 130 ]
down: ## stop the lab, and leave nothing behind | 停止实验环境, 什么都不留下
	@deploy/down.sh
doctor: ## what this machine lacks, and how to mend it | 这台机器缺什么, 怎样补上
	@deploy/doctor.sh
bundle: images ## one file that starts the lab without Go and internet | 一个文件, 没有 Go 和互联网也能启动
	@deploy/bundle.sh
forget: ## drop what make up wrote into .env: language, ports, registry | 删除 make up 写入 .env 的内容: 语言、端口、镜像仓库
	@deploy/settings.sh forget

include deploy/maintain.mk
