package terminal

import (
	"bytes"
	"context"
	"io"
	"slices"
)

func (e *editor) readLine(ctx context.Context) (string, error) {
	select {
	case e.reading <- struct{}{}:
		defer func() { <-e.reading }()
	case <-e.closed:
		return "", ErrClosed
	case <-ctx.Done():
		return "", ctx.Err()
	}
	select {
	case <-e.there: // until then nothing is painted
	case <-e.closed:
		return "", ErrClosed
	case <-ctx.Done():
		return "", ctx.Err()
	}
	turn, err := e.keys.begin()
	if err != nil {
		return "", err
	}
	defer context.AfterFunc(ctx, func() { e.keys.cancel(turn) })()
	line, err := e.rl.ReadLine()
	e.afterLine()
	switch end := e.keys.finish(); end {
	case nil:
	case errCancelled:
		return "", ctx.Err()
	default:
		return "", end
	}
	switch err {
	case nil:
		return string(e.signs.unfold([]rune(line))), nil
	case io.EOF: // Ctrl-D
		return "", io.EOF
	default:
		return "", ErrInterrupt
	}
}

// keyBegins is called by rl with each key, and keyEnds after it, unless the key
// has ended the line: then ReadLine returns.
func (e *editor) keyBegins(key rune) (rune, bool) {
	e.lock()
	e.inKey = true
	over, cancelled := e.keys.notTyped()
	if over || cancelled {
		e.cfg.InterruptPrompt = ""
	}
	if cancelled { // its text is wiped, now its prompt, and the newline is not painted
		e.vanish = true
		e.rl.Write(nil)
	}
	e.joins = 0
	if !isStand(key) && !e.signs.joins(e.typed, key) {
		return key, true
	}
	e.joins = key
	return joining, true
}

// afterLine is called when rl has left a line: with Enter, or otherwise.
func (e *editor) afterLine() {
	if e.vanish {
		e.vanish = false
		e.cfg.InterruptPrompt = interruptPrompt
		e.rl.Write(nil) // the prompt is as it was, for the next line
	}
	e.unlockKey()
}

func (e *editor) keyEnds(line []rune, pos int, _ rune) ([]rune, int, bool) {
	if e.keys.isWiping() {
		e.keys.setLength(0)
		e.typed = e.typed[:0]
		e.unlockKey()
		return nil, 0, true
	}
	before, after := e.signs.unfold(line[:pos]), e.signs.unfold(line[pos:])
	if e.joins != 0 { // rl has put joining before the cursor
		before = append(slices.Clip(before), e.joins)
	}
	all := slices.Concat(before, after)
	all = all[:min(len(all), maxText)] // Ctrl-Y may have doubled it
	folded := e.signs.fold(all)
	changed := !slices.Equal(line, folded)
	if changed {
		line, pos = folded, e.signs.count(folded, len(before))
	}
	e.typed = append(e.typed[:0], line[:pos]...)
	e.keys.setLength(len(all))
	e.unlockKey()
	return line, pos, changed || e.joins != 0
}

func (e *editor) unlockKey() {
	if e.inKey {
		e.inKey = false
		e.unlock()
	}
}

// lock and unlock enclose all that paints: it reaches the screen in one piece.
func (e *editor) lock() {
	e.mu.Lock()
	e.out.Hold(true)
}

func (e *editor) unlock() {
	e.out.Hold(false)
	e.mu.Unlock()
}

// write is for the editor's own words.
func (e *editor) write(line []byte) {
	if ok, _ := e.out.Admit(line); ok {
		e.show(line)
	}
}

func (e *editor) show(line []byte) {
	e.lock()
	defer e.unlock()
	e.remember(line)
	e.paint(line)
}

// paint wipes the line being typed, writes, and paints it again. Called with mu held.
func (e *editor) paint(lines []byte) { e.rl.Write(wrap(lines, screenSize(e.tty).width)) }

// setPrompt changes the prompt between wiping the old line and painting the
// new one, each with the right width: an empty message is what happens there.
func (e *editor) setPrompt(s string) {
	e.lock()
	defer e.unlock()
	if s != e.prompt {
		e.prompt = s
		e.rl.Write(nil)
	}
}

// screen is where rl paints: the outlet, without the cursor query. Its Write is
// called with a lock of rl held, so that the prompt may be changed here.
type screen editor

func (s *screen) Write(p []byte) (int, error) {
	if string(p) == cursorQuery {
		s.keys.reply(cursorAnswer)
		return len(p), nil
	}
	if len(p) == 0 {
		s.cfg.Prompt = s.prompt
		if s.vanish {
			s.cfg.Prompt = ""
		}
		return 0, nil
	}
	if s.vanish {
		p = bytes.TrimPrefix(p, newline)
	}
	s.out.Put(p)
	return len(p), nil
}
