package node

import (
	"log/slog"
	"time"

	"potluck"
)

// Config is all that a node needs to be told. The zero value of every field but
// Data means its default.
type Config struct {
	Data   string       // the data directory; made if there is none
	Name   string       // what friends see; default: the host's name
	Offer  potluck.Size // charged bytes offered to friends in all; default 10 GiB
	Floor  potluck.Size // bytes of the disk that stay free; default 1 GiB or 5 % of the disk, whichever is less
	Listen []string     // multiaddrs; default: TCP and QUIC on every address, port 4242, or free ports when that is taken
	Log    *slog.Logger // default: discards
	Clock  func() time.Time
}

// File is config.toml in the data directory. Nil or empty means: not said.
type File struct {
	Name   string        `toml:"name"`
	Offer  *potluck.Size `toml:"offer"`
	Floor  *potluck.Size `toml:"floor"`
	Listen []string      `toml:"listen"`
}

// DefaultOffer is offered when nothing is said.
const DefaultOffer = 10 * potluck.GiB

// ReadFile reads config.toml in a data directory. A file that isn't there is
// an empty File; an unknown key or a wrong value is an error with its line.
func ReadFile(dataDir string) (File, error) { panic("not yet") }
