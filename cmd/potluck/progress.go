package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"

	"potluck/files"
)

// meter shows the progress of a put or get: bars on stderr, one a stage, when
// it is a terminal; lines of JSON on stdout with --json; else nothing.
type meter struct {
	c    *cli
	bar  *progressbar.ProgressBar
	last files.Progress // what the bar shows, or will show: it draws ten times a second
}

func (c *cli) meter() *meter { return &meter{c: c} }

// progressLine is one line of progress with --json.
type progressLine struct {
	Progress files.Progress `json:"progress"`
}

// resultLine is the last line of a verb that shows progress, with --json.
type resultLine[T any] struct {
	Result T `json:"result"`
}

// show takes one report.
func (m *meter) show(p files.Progress) {
	switch {
	case m.c.Quiet:
	case m.c.JSON:
		m.c.emit(progressLine{p}) // a reader that has gone is found out with the result
	case m.c.errTerminal:
		if m.bar == nil || p.Stage != m.last.Stage {
			m.end()
			m.bar = m.newBar(p)
		}
		m.last = p
		m.bar.Set64(int64(p.Done))
	}
}

func (m *meter) newBar(p files.Progress) *progressbar.ProgressBar {
	return progressbar.NewOptions64(max(int64(p.Total), 1),
		progressbar.OptionSetWriter(m.c.err),
		progressbar.OptionSetDescription(escape(p.Stage)+strings.Repeat(" ", max(0, 9-len(p.Stage)))),
		progressbar.OptionShowBytes(true),
		progressbar.OptionUseIECUnits(true),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionSetWidth(min(max(m.c.errWidth-60, 10), 40)),
		progressbar.OptionThrottle(100*time.Millisecond))
}

// end leaves the last bar as it stands, and goes to a new line.
func (m *meter) end() {
	if m.bar == nil {
		return
	}
	if m.last.Done >= m.last.Total {
		m.bar.Finish()
	} else {
		m.bar.Exit()
	}
	fmt.Fprintln(m.c.err)
	m.bar = nil
}
