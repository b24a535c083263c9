package screen

import "netlab.example/pkg/language"

// phrases are what a learner reads around the ladder. What a %d or %s stands for is said at its field.
type phrases struct {
	Following, Paused string
	Below             string // packets
	Only              string // connection
	Packets           string // how many
	Missed            string // how many
	Keys, OpenKeys    string
	FewKeys           string // on a narrow screen
	NoACKs            string
	Nothing           string
	Ended             string // why
	TooSmall          string // columns, rows
}

var words = language.Both[phrases]{
	Zh: phrases{
		Following: "跟随中",
		Paused:    "已暂停",
		Below:     " (下面还有 %d 个)",
		Only:      "只看连接 %d",
		Packets:   "%d 个数据包",
		Missed:    "漏掉 %d 个",
		Keys:      "空格 暂停  ↑↓ 滚动  Enter 打开  c 此连接  a 确认  t 间隔  l 浅色  q 离开",
		FewKeys:   "空格 ↑↓ Enter c a t l  q 离开",
		NoACKs:    "不显示单独的确认",
		OpenKeys:  "↑↓ 滚动  Esc 返回  q 离开",
		Nothing:   "还没有数据包: 在另一个终端里用客户端连接服务器",
		Ended:     "到此为止: %s",
		TooSmall:  "终端太小: 至少 %d 列 %d 行",
	},
	En: phrases{
		Following: "following",
		Paused:    "paused",
		Below:     " (%d more below)",
		Only:      "connection %d only",
		Packets:   "%d packets",
		Missed:    "%d missed",
		Keys:      "space pause  ↑↓ scroll  Enter open  c connection  a ACKs  t times  l light  q",
		FewKeys:   "space ↑↓ Enter c a t l  q leave",
		NoACKs:    "no bare ACKs",
		OpenKeys:  "↑↓ scroll  Esc back  q leave",
		Nothing:   "no packets yet: talk to the server from another terminal",
		Ended:     "no more will come: %s",
		TooSmall:  "this terminal is too small: at least %d columns, %d rows",
	},
}
