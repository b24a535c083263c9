package sockets

import (
	"errors"
	"io/fs"
	"os"

	"netlab.example/pkg/failure"
	"netlab.example/pkg/language"
)

// Present reports an error if the socket file of a server's LISTEN is gone: the server then waits at a name that nobody
// can connect to, and notices nothing. To connect would show more, but as a client in the server's story.
func Present(list string) error {
	as, err := parseList(list, "tcp", "udp", "unix", "unixgram")
	if err != nil {
		return err
	}
	for _, a := range as {
		if a.Network != "unix" && a.Network != "unixgram" {
			continue
		}
		info, err := os.Lstat(a.Addr)
		if err == nil && info.Mode().Type() == fs.ModeSocket {
			continue
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return failure.Hint(language.Errorf("套接字文件 %s 不在了", "the socket file %s is gone", a.Addr),
			language.Errorf("重新启动服务器", "start the server anew"))
	}
	return nil
}
