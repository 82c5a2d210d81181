package node

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"potluck/internal/durable"
	"potluck/p2p"
)

// firstPort is tried first when a new data directory needs a port; some after
// it are tried too, so that two nodes on one machine need no thought.
const (
	firstPort  = 4242
	portsTried = 64
	portFile   = "port"
)

// openHost starts the network: on the addresses of the configuration, or on all
// addresses of the port that the data directory remembers. The port stays the
// same, because friends remember it too; so it is written down only once it is had.
func (n *Node) openHost(c p2p.Config) (*p2p.Host, error) {
	if c.Listen = n.config.Listen; n.recovering { // what its empty books would answer is wrong
		c.Listen, c.Keeper, c.Clerk, c.Greeter = nil, nil, nil, nil
	}
	if len(c.Listen) > 0 || n.recovering {
		return listenOn(c)
	}
	if port, err := n.port(); err != nil {
		return nil, err
	} else if port > 0 {
		c.Listen = everywhere(port)
		return listenOn(c)
	}
	for port := firstPort; port < firstPort+portsTried; port++ {
		if !isFree(port) {
			continue
		}
		c.Listen = everywhere(port)
		host, err := p2p.New(c)
		if err != nil && !isFree(port) {
			continue // another was faster
		}
		if err == nil {
			err = durable.WriteFile(n.dir.join(portFile), []byte(strconv.Itoa(port)+"\n"), 0o600)
		}
		if err != nil && host != nil {
			err = errors.Join(err, host.Close())
		}
		return host, err
	}
	return nil, fmt.Errorf("ports %d to %d are all in use; name one with --listen", firstPort, firstPort+portsTried-1)
}

// port is the port that the data directory remembers, or 0.
func (n *Node) port() (int, error) {
	text, err := os.ReadFile(n.dir.join(portFile))
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	port, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || port < 1 || port > 65535 {
		return 0, fmt.Errorf("%s doesn't hold a port number; cure: write one from 1 to 65535 into it, or remove it", n.dir.join(portFile))
	}
	return port, nil
}

func listenOn(c p2p.Config) (*p2p.Host, error) {
	host, err := p2p.New(c)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w; cure: end what uses the port, or name other addresses with --listen", strings.Join(c.Listen, ", "), err)
	}
	return host, nil
}

// everywhere is a port at all addresses, by TCP and QUIC.
func everywhere(port int) (all []string) {
	for _, form := range []string{"/ip4/0.0.0.0/tcp/%d", "/ip6/::/tcp/%d", "/ip4/0.0.0.0/udp/%d/quic-v1", "/ip6/::/udp/%d/quic-v1"} {
		if strings.HasPrefix(form, "/ip6") && !hasIPv6() {
			continue
		}
		all = append(all, fmt.Sprintf(form, port))
	}
	return all
}

// isFree tells whether a port can be listened on, by TCP and UDP.
func isFree(port int) bool {
	at := ":" + strconv.Itoa(port)
	l, err := net.Listen("tcp", at)
	if err != nil {
		return false
	}
	defer l.Close()
	p, err := net.ListenPacket("udp", at)
	if err != nil {
		return false
	}
	p.Close()
	return true
}

// quietly is how often small nodes ask whether a silent friend is there: each ask
// costs time, which many nodes in one process share.
const quietly = 5 * time.Minute

// limits are those of the network; zeros are its defaults.
func (n *Node) limits() p2p.Limits {
	if n.config.Small {
		return p2p.Limits{KeepAlive: quietly}
	}
	return p2p.Limits{}
}

func hasIPv6() bool {
	l, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		return false
	}
	l.Close()
	return true
}
