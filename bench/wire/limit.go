//go:build linux

package main

import (
	"fmt"
	"time"
)

// limit offers more and more datagrams a second, until wire does not see them all or the sender cannot send more.
func (b *bench) limit(l *lab) error {
	const target = 100_000
	seenAll, why := 0.0, said{}
	for rate := 50_000; rate <= 400_000; rate += 10_000 {
		best := flood{unseen: 1 << 30}
		for range 3 {
			f, err := b.floodAt(l, contender{"wire", l.watch}, rate, b.n(rate))
			if err != nil {
				return err
			}
			if f.unseen < best.unseen || f.unseen == best.unseen && f.speed > best.speed {
				best = f
			}
			if best.unseen == 0 && best.speed > 0.95*float64(rate) {
				break
			}
		}
		met := "0"
		if best.unseen > 0 {
			met = fmt.Sprint(best.unseen)
		}
		b.beside(fmt.Sprint(rate), fmt.Sprintf("%.0f", best.speed), met, micro(best.user), micro(best.system))
		if best.unseen == 0 {
			seenAll = max(seenAll, best.speed)
		}
		if best.unseen > 0 {
			why = said{"wire's processor is full", "wire 的处理器用满了"}
			if float64(time.Second)/best.speed > 1.3*float64(best.user+best.system) {
				why = said{"the kernel's queue for wire overflows: the sender's processor and wire's take turns", "内核为 wire 准备的队列溢出: 发送方和 wire 轮流使用处理器"}
			}
			break
		}
		if best.speed < 0.9*float64(rate) {
			why = said{"the sender cannot send more: it fills the queue itself, within its own system call", "发送方发不出更多: 数据包由它自己的系统调用放进队列"}
			break
		}
	}
	b.row(seenAll >= target, "most with none unseen", fmt.Sprintf("%.0f", seenAll), "0", "", "")
	b.table(said{"How far it goes", "能走多远"}, said{
		"Datagrams of 100 bytes, one way, for a second each, more each time, until some are not seen or the sender cannot send more; the best of up to three tries. The target is 100,000. What bounds it here: " + why.en + ".",
		"100 字节的数据报, 单向, 每次一秒, 一次比一次多, 直到有看不见的, 或发送方发不出更多; 至多试三次, 取最好的一次。目标是 100,000。这里的限制是: " + why.zh + "。"},
		said{"offered a second", "每秒想要发"}, said{"sent a second", "每秒发出"}, said{"not seen", "没有看见"},
		said{"wire's own time for each", "wire 自己用时"}, said{"the kernel's for wire", "内核为 wire 用时"}, said{})
	return nil
}
