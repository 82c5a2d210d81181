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
)

// listen gives the addresses to listen on: those of the configuration, or all
// addresses on the port that the data directory remembers. The port stays the
// same, because friends remember it too.
func (n *Node) listen() ([]string, error) {
	if len(n.config.Listen) > 0 {
		return n.config.Listen, nil
	}
	port, err := n.port()
	if err != nil {
		return nil, err
	}
	var all []string
	for _, form := range []string{"/ip4/0.0.0.0/tcp/%d", "/ip6/::/tcp/%d", "/ip4/0.0.0.0/udp/%d/quic-v1", "/ip6/::/udp/%d/quic-v1"} {
		if strings.HasPrefix(form, "/ip6") && !hasIPv6() {
			continue
		}
		all = append(all, fmt.Sprintf(form, port))
	}
	return all, nil
}

func (n *Node) port() (int, error) {
	path := n.dir.join("port")
	text, err := os.ReadFile(path)
	if err == nil {
		port, err := strconv.Atoi(strings.TrimSpace(string(text)))
		if err != nil || port < 1 || port > 65535 {
			return 0, fmt.Errorf("%s doesn't hold a port number; cure: write one from 1 to 65535 into it, or remove it", path)
		}
		return port, nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return 0, err
	}
	for port := firstPort; port < firstPort+portsTried; port++ {
		if isFree(port) {
			return port, durable.WriteFile(path, []byte(strconv.Itoa(port)+"\n"), 0o600)
		}
	}
	return 0, fmt.Errorf("ports %d to %d are all in use; name one with --listen", firstPort, firstPort+portsTried-1)
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
