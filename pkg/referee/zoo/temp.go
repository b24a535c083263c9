package zoo

import (
	"math/big"
	"net"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"
)

var temps = []Specimen{
	{"right-temp", "udp-temp", both("没有错", "nothing"), nil, nil},
	{"binary-floats", "udp-temp", both("用二进制浮点数计算: 98.60000000000001", "calculates in binary floats: 98.60000000000001"), []string{"exact-decimals", "edges"}, nil},
	{"two-decimals", "udp-temp", both("总是两位小数: 212.00", "always two decimals: 212.00"), []string{"whole-numbers", "exact-decimals", "edges", "white-space", "too-long", "junk", "like-an-answer"}, nil},
	{"takes-floats", "udp-temp", both("接受 1e3, inf, nan, 1_000", "takes 1e3, inf, nan, 1_000"), []string{"no-float"}, nil},
	{"newline-in-the-answer", "udp-temp", both("回答带一个换行", "a newline in its answer"), []string{"plain-number"}, nil},
	{"other-words", "udp-temp", both("回答只有数字", "answers with the number alone"), []string{"plain-number"}, nil},
	{"keeps-white-space", "udp-temp", both("不去掉两边的空白", "does not ignore white space around a number"), []string{"white-space"}, nil},
	{"no-limits", "udp-temp", both("没有绝对零度, 没有上限", "knows no absolute zero and no upper limit"), []string{"beyond-the-edges"}, nil},
	{"edge-is-out", "udp-temp", both("把两端本身也拒绝了", "refuses the ends themselves"), []string{"edges"}, nil},
	{"any-length", "udp-temp", both("数字长度没有限度", "takes a number of any length"), []string{"too-long"}, nil},
	{"silent-on-mistakes", "udp-temp", both("打错了也不说", "says nothing to a mistake"), []string{"no-number", "no-float", "beyond-the-edges", "too-long", "like-an-answer"}, nil},
	{"answers-junk", "udp-temp", both("垃圾也回答", "answers junk"), []string{"junk"}, nil},
	{"answers-answers", "udp-temp", both("回答看起来像回答的文字", "answers what looks like an answer"), []string{"like-an-answer"}, nil},
	{"answers-twice", "udp-temp", both("每个回答发两次", "sends each answer twice"), []string{"one-answer"}, nil},
	{"answers-the-last", "udp-temp", both("所有回答都发给最近提问的人", "sends every answer to whoever asked last"), []string{"two-at-once", "fifty-at-once"}, []string{"large-datagram", "thousand-in-a-row"}},
	{"ends-after-some-hundred", "udp-temp", both("几百个数据报之后就停了", "ends after some hundred datagrams"), []string{"thousand-in-a-row"}, nil},
	{"another-port", "udp-temp", both("从另一个端口回答", "answers from another port"), []string{"plain-number"}, nil},
	{"changes-its-port", "udp-temp", both("从第二个问题起从另一个端口回答", "answers the second question of a client from another port"), []string{"same-socket-again", "flood-of-nonsense"}, nil},
	{"dies-of-junk", "udp-temp", both("遇到垃圾就停止", "is ended by junk"), []string{"junk"}, nil},
	{"dies-of-a-large-one", "udp-temp", both("遇到很大的数据报就停止", "is ended by a large datagram"), []string{"large-datagram"}, nil},
	{"refuses-without-limit", "udp-temp", both("拒绝没有限度", "refuses without a limit"), []string{"flood-of-nonsense"}, nil},
}

// temp is an udp-temp server in plain Go.
type temp struct {
	wrong  string
	last   atomic.Pointer[net.Addr] // who asked last
	told   map[string]int
	second int64
}

const (
	answerWords  = "Temperature in Fahrenheit: "
	refusalWords = "Cannot convert: send a number such as 36.6"
)

func (t *temp) serve(conn net.PacketConn) {
	from := conn
	if t.wrong == "another-port" || t.wrong == "changes-its-port" {
		other, err := net.ListenPacket("udp4", "127.0.0.1:0")
		if err != nil {
			return
		}
		defer other.Close()
		from = other
	}
	var before net.Addr
	buf := make([]byte, 64<<10)
	for count := 1; ; count++ {
		n, addr, err := conn.ReadFrom(buf)
		if err != nil {
			return
		}
		if count == 500 && t.wrong == "ends-after-some-hundred" {
			conn.Close()
			return
		}
		if t.wrong == "dies-of-a-large-one" && n > 1024 || t.wrong == "dies-of-junk" && !utf8.Valid(buf[:n]) {
			conn.Close()
			return
		}
		answer := t.answer(string(buf[:n]), addr.String())
		if answer == "" {
			continue
		}
		if t.wrong == "changes-its-port" && (before == nil || before.String() != addr.String()) {
			conn.WriteTo([]byte(answer), addr)
			before = addr
			continue
		}
		if t.last.Store(&addr); t.wrong == "answers-the-last" {
			time.AfterFunc(15*time.Millisecond, func() { from.WriteTo([]byte(answer), *t.last.Load()) })
			continue
		}
		from.WriteTo([]byte(answer), addr)
		if t.wrong == "answers-twice" {
			from.WriteTo([]byte(answer), addr)
		}
	}
}

var plainNumber = regexp.MustCompile(`^[+-]?[0-9]+(\.[0-9]+)?$`)

func (t *temp) answer(q, from string) string {
	text := strings.Trim(q, " \t\r\n\v\f")
	junk := text == "" || !utf8.ValidString(q) || strings.ContainsFunc(text, unicode.IsControl)
	switch {
	case junk && t.wrong == "answers-junk":
		return t.refuse(from)
	case junk:
		return ""
	case t.wrong == "keeps-white-space":
		text = q
	}
	if t.wrong == "takes-floats" {
		if f, err := strconv.ParseFloat(strings.ReplaceAll(text, "_", ""), 64); err == nil && !plainNumber.MatchString(text) {
			return answerWords + strconv.FormatFloat(f*1.8+32, 'g', -1, 64)
		}
	}
	if (strings.HasPrefix(text, answerWords) || strings.HasPrefix(text, "Cannot convert: ")) && t.wrong != "answers-answers" {
		return ""
	}
	c, ok := new(big.Rat).SetString(text)
	if !ok || !plainNumber.MatchString(text) || len(text) > 32 && t.wrong != "any-length" {
		return t.refuse(from)
	}
	low, high := big.NewRat(-27315, 100), big.NewRat(1_000_000_000, 1)
	out := c.Cmp(low) < 0 || c.Cmp(high) > 0
	if t.wrong == "edge-is-out" {
		out = c.Cmp(low) <= 0 || c.Cmp(high) >= 0
	}
	if out && t.wrong != "no-limits" {
		return t.refuse(from)
	}
	return t.words(c)
}

func (t *temp) words(c *big.Rat) string {
	f := new(big.Rat).Add(new(big.Rat).Mul(c, big.NewRat(9, 5)), big.NewRat(32, 1))
	number := f.FloatString(33)
	number = strings.TrimRight(strings.TrimRight(number, "0"), ".")
	switch t.wrong {
	case "binary-floats":
		x, _ := c.Float64()
		number = strconv.FormatFloat(x*1.8+32, 'f', -1, 64)
	case "two-decimals":
		number = f.FloatString(2)
	case "other-words":
		return number
	case "newline-in-the-answer":
		number += "\n"
	}
	return answerWords + number
}

func (t *temp) refuse(from string) string {
	if t.wrong == "silent-on-mistakes" {
		return ""
	}
	if now := time.Now().Unix(); now != t.second || t.told == nil {
		t.second, t.told = now, map[string]int{}
	}
	if t.told[from]++; t.told[from] > 10 && t.wrong != "refuses-without-limit" {
		return ""
	}
	return refusalWords
}
