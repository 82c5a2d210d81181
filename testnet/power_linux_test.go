package testnet_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"potluck"
	"potluck/internal/testdisk"
	"potluck/testnet"
)

// long tells whether there is time for full numbers.
func long() bool { return os.Getenv("POTLUCK_LONG") != "" }

// The power of an owner's or a host's disk is cut somewhere in puts and removals,
// over and over. Nothing acknowledged is lost, and both sides' books agree.
func TestPowerCuts(t *testing.T) {
	n := 5
	if long() {
		n = 60
	}
	ctx := within(t, 2*time.Minute+time.Duration(n)*8*time.Second)
	// The disks are made before the net: they go after its end.
	disks := map[string]*testdisk.Disk{"owner": testdisk.Of(t, int64(potluck.GiB)), "h1": testdisk.Of(t, int64(potluck.GiB))}
	net, others := mesh(ctx, t, testnet.Config{File: fmt.Sprintf("coming = %q", comingDeadline)}, "h2", "h3", "h4")
	var victims []*testnet.Process
	for _, name := range []string{"owner", "h1"} {
		p, err := net.AddAt(ctx, name, filepath.Join(disks[name].Dir, name), "--floor", "16MiB")
		must(t, err)
		for _, o := range append(victims, others...) {
			must(t, testnet.Befriend(ctx, p, o, nil))
		}
		victims = append(victims, p)
	}
	l := newStrikeLoop(t, append(victims, others...))
	l.victims = victims
	l.strike = func(p *testnet.Process) error {
		d := disks[p.Name]
		if err := d.Cut(); err != nil {
			return err
		}
		// It may have noticed by itself, and ended.
		if err := p.Kill(); err != nil && !errors.Is(err, testnet.ErrNotRunning) && !errors.Is(err, os.ErrProcessDone) {
			return err
		}
		return errors.Join(d.Unmount(), d.Mount())
	}
	l.run(ctx, n)
}
