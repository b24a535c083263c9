package screen

import uv "github.com/charmbracelet/ultraviolet"

// A window that is closed does not end what runs in a container behind it: the engine keeps the terminal, and nobody
// hangs up. So the terminal is asked now and then whether it is there (DSR 5, ECMA-48), which every terminal answers.
const (
	areYouThere = "\x1b[5n"
	iAmHere     = "\x1b[0n"
)

// In pictures: how long until the terminal is asked again, and how many questions may go unanswered.
const (
	askEvery    = 200 // 10 s
	mostSilence = 3
)

// alive knows whether the terminal is there. One that has never answered is left in peace.
type alive struct {
	ticks    int
	silence  int  // questions since its last answer
	answered bool // it is one that answers
}

// tick is told of each picture. It says whether to ask, and whether the terminal is gone.
func (a *alive) tick() (ask, gone bool) {
	a.ticks++
	if a.ticks%askEvery != 1 {
		return false, false
	}
	if a.answered && a.silence >= mostSilence {
		return false, true
	}
	a.silence++
	return true, false
}

// heard is told of keys and of the mouse.
func (a *alive) heard() { a.silence = 0 }

// answer is told of what else the terminal sends.
func (a *alive) answer(msg any) {
	if e, ok := msg.(uv.UnknownCsiEvent); ok && string(e) == iAmHere {
		a.answered, a.silence = true, 0
	}
}
