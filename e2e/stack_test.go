package e2e

import (
	"os/exec"
	"strings"
	"testing"
)

// The lab as a user has it: up, used from several terminals at once, and down, with nothing left.
func TestStack(t *testing.T) {
	t.Parallel()
	lab := newStack(t, "room", "NETLAB_LANG=zh")
	lab.run(0, "up", "-d", "--wait", "--no-build")
	lab.checkHardening()

	// Each wire answers in the control volume, to a container that has it mounted read-only; and nowhere else.
	for _, name := range []string{"hello", "chat", "temp"} {
		ask := exec.Command("docker", "run", "--rm", "-i", "--label="+label+"="+suite.run, "--network=none", "--user=65532:65532",
			"-v", lab.project+"_control:/run/control:ro", suite.name, "unix:///run/control/"+name+".sock")
		ask.Stdin = strings.NewReader("GET /status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
		if answer, err := ask.CombinedOutput(); err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 200 OK\r\n") {
			t.Errorf("the wire of %s answers in the control volume: %s, %v", name, answer, err)
		}
	}

	// From this machine, at the published ports.
	if got := lab.ask("hello-tcp", "8080", "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"); got != hello {
		t.Errorf("hello-tcp answers %q", got)
	}
	if got, want := lab.askDatagram("udp-temp", "1314", "36.6"), "转换后的温度(华氏温度):97.88"; got != want {
		t.Errorf("udp-temp answers %q, want %q", got, want)
	}
	// Nobody has attached: no client is in the room, save the one that asks.
	if got := lab.ask("chat-server", "12345", "byebye\n"); !strings.Contains(got, "guest-1, 这里有 1 人") {
		t.Errorf("chat-server welcomes with %q", got)
	}

	operator := lab.attach("chat-server")
	operator.expect("请输入发送的信息:")
	ming := lab.attach("chat-client")
	ming.expect("请输入要发送的数据:", "已经连接到服务器")
	operator.expect("建立连接: ")
	anna := lab.pipe("run", "--rm", "-T", "chat-client", "-name", "Anna")
	ming.expect(" 进来了\n", " 改名为 Anna\n")
	ming.send("/nick 小明\r")
	anna.expect("小明\n")
	ming.send("你好, Anna!\r")
	anna.expect("小明: 你好, Anna!\n")
	anna.send("你好 from a pipe\n")
	ming.expect("Anna: 你好 from a pipe\n")
	operator.expect("小明: 你好, Anna!\n", "Anna: 你好 from a pipe\n")
	operator.send("欢迎两位\r")
	ming.expect("* server: 欢迎两位\n")
	anna.expect("* server: 欢迎两位\n")

	// Who leaves the client can attach to it again: it has been started anew.
	again := lab.nextStart("chat-client")
	ming.send("byebye\r")
	ming.expect("byebye\n")
	anna.expect("* 小明 离开了\n")
	again()
	ming = lab.attach("chat-client")
	ming.expect("请输入要发送的数据:", "已经连接到服务器")
	anna.expect("进来了\n")

	// The operator's keys never stop the server.
	operator.send("\x03\x04")
	operator.send("还在\r")
	anna.expect("* server: 还在\n")

	// The natural guess after the chat's: attach to a server that reads nothing. Ctrl-C does not stop it.
	for _, service := range []string{"hello-tcp", "udp-temp"} {
		seen := lab.attach(service)
		seen.expect(service, "Ctrl-P Ctrl-Q")
		seen.send("\x03\x04\x1c")
	}

	hellos := lab.attach("hello-client")
	hellos.expect("请输入要发送的数据:")
	hellos.send("你好\r")
	hellos.expect("接收到的数据: HTTP/1.1 200 OK\n  | \n  | Hello World, Michael!\n", "请输入要发送的数据:")
	temps := lab.attach("temp-client")
	temps.expect("请输入要转换的摄氏温度:")
	temps.send("36.6\r")
	temps.expect("转换后的温度(华氏温度):97.88\n", "请输入要转换的摄氏温度:")
	if out := lab.run(0, "run", "--rm", "-T", "temp-client", "100"); !strings.Contains(out, "转换后的温度(华氏温度):212\n") {
		t.Errorf("temp-client 100: %q", out)
	}
	if out := lab.run(0, "run", "--rm", "-T", "temp-client", "unixgram:///run/netlab/temp.sock", "-40"); !strings.Contains(out, "转换后的温度(华氏温度):-40\n") {
		t.Errorf("temp-client over unixgram: %q", out)
	}

	// A server that is started anew: people are told. At a terminal they are back without doing anything;
	// a pipe ends, and well, since all of it was said.
	lab.run(0, "restart", "chat-server")
	anna.expect("* 服务器停止, 再见\n")
	if code := anna.exit(); code != 0 {
		t.Errorf("Anna's client: exit %d", code)
	}
	ming.expect("* 服务器停止, 再见\n", "已经连接到服务器\n", "* 你好, 你是 guest-")
	anna = lab.pipe("run", "--rm", "-T", "chat-client", "-name", "Anna")
	ming.expect(" 改名为 Anna\n")
	ming.send("我回来了\r")
	anna.expect(": 我回来了\n")
	anna.eof()
	if code := anna.exit(); code != 0 {
		t.Errorf("Anna's client: exit %d", code)
	}

	for _, service := range []string{"hello-tcp", "udp-temp", "chat-server"} {
		if out := lab.run(0, "logs", service); strings.Contains(out, "\terror\t") || strings.Contains(out, "panic") {
			t.Errorf("%s logs an error:\n%s", service, out)
		}
	}
	lab.down()
	ming.rest() // they, too, have ended
	operator.rest()
}

// In the foreground, and in turns: the servers tell their story there, and no client's prompt stands between.
func TestStackInForeground(t *testing.T) {
	t.Parallel()
	lab := newStack(t, "turns", "NETLAB_LANG=en", "CHAT_SERVER_MODE=turns")
	up := lab.pipe("up", "--no-build")
	up.out.find(`hello-tcp-1 .*Server started, waiting for clients\.\.\.`, 1)
	up.out.find(`udp-temp-1 .*UDP service bound to port 1314`, 1)
	lab.run(0, "up", "-d", "--wait", "--no-build", "--no-recreate")

	operator := lab.attach("chat-server")
	visitor := lab.attach("chat-client")
	visitor.expect("Type what to send: ")
	visitor.send("hello\r")
	operator.expect("Received: hello\n", "Type a message: ")
	operator.send("你好\r")
	visitor.expect("Received: 你好\n", "Type what to send: ")
	if got := lab.ask("hello-tcp", "8080", "hello"); got != hello {
		t.Errorf("hello-tcp answers %q", got)
	}
	up.expect("Received: hello  <- ")

	up.interrupt() // Ctrl-C
	up.exit()
	if strings.Contains(string(up.out.text), "Type what to send") || strings.Contains(string(up.out.text), "Type a temperature") {
		t.Errorf("a client's prompt in the output of up:\n%s", up.out.text)
	}
	lab.down()
}
