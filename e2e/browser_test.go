package e2e

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// The page as a person sees it. A browser asks for /favicon.ico as well, and may open connections that
// it never uses: the server lives with both.
func TestHelloInBrowser(t *testing.T) {
	t.Parallel()
	load := browser(t)
	server := serveSpec(t, spec{service: "hello-tcp", publish: "8080/tcp"})
	address, err := cli("port", server.id, "8080/tcp")
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if got, want := load("http://"+address+"/"), "Hello World, Michael!"; got != want {
			t.Errorf("the page shows %q, want %q", got, want)
		}
	}
	server.expect(`接收到客户端发送的数据: GET / HTTP/1.1\r\n  <- `, "\n  | Host: "+address+`\r\n`, "\n  | User-Agent: Mozilla/5.0 ", "\n"+`  | \r\n`+"\n客户端连接关闭")
	if code := server.stop(); code != 0 {
		t.Errorf("exit %d", code)
	}
}

// browser starts a browser without a window, and returns what loads a page and tells the text on it.
func browser(t *testing.T) (load func(url string) string) {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium-headless-shell", "headless-shell", "chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		lacks(t, "NETLAB_REQUIRE_BROWSER", "no browser found: apt-get install chromium-headless-shell")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path))
	if os.Geteuid() == 0 { // the sandbox refuses to work for root
		options = append(options, chromedp.NoSandbox)
	}
	ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, closeTab := chromedp.NewContext(ctx)
	t.Cleanup(closeTab)
	if err := chromedp.Do(ctx); err != nil { // starts it
		t.Fatalf("%s: %v", path, err)
	}
	return func(url string) string {
		t.Helper()
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		err := chromedp.Do(ctx, chromedp.Navigate(url))
		for err != nil && strings.Contains(err.Error(), "ERR_NETWORK_CHANGED") { // other tests' containers come and go
			err = chromedp.Do(ctx, chromedp.Navigate(url))
		}
		if err != nil {
			t.Fatalf("%s: %v", url, err)
		}
		text, err := chromedp.Run(ctx, chromedp.Evaluate[string]("document.body.innerText"))
		if err != nil {
			t.Fatalf("%s: %v", url, err)
		}
		return strings.TrimSpace(text)
	}
}
