package api

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
)

// maxSocketPath is the most bytes of a socket's path that every system takes.
const maxSocketPath = 103

// The socket is api.sock in the data directory. When that path is too long for
// a socket, it is in a directory of its own with a short path, and the file
// api.path in the data directory says where.
const (
	socketName = "api.sock"
	pointName  = "api.path"
	shortName  = "potluck-api-"
)

// listener is the socket, and what is to be removed after it.
type listener struct {
	net.Listener
	remove []string // in order
}

// forget removes what listen made; the socket itself goes with Close.
func (l listener) forget() {
	for _, path := range l.remove {
		_ = os.Remove(path) // what stays is removed by the next listen
	}
}

// listen makes the socket. The caller holds the lock of the data directory.
func listen(dataDir string) (listener, error) {
	forgetShort(dataDir)
	path := filepath.Join(dataDir, socketName)
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return listener{}, fmt.Errorf("remove the socket of an earlier node: %w", err)
	}
	var l listener
	if len(path) > maxSocketPath {
		dir, err := os.MkdirTemp("", shortName) // 0700, with a name that nobody can guess
		if err != nil {
			return l, fmt.Errorf("make a short path for the API's socket: %w", err)
		}
		path = filepath.Join(dir, socketName)
		l.remove = []string{path, dir, filepath.Join(dataDir, pointName)}
		if err := os.WriteFile(filepath.Join(dataDir, pointName), []byte(path), 0o600); err != nil {
			l.forget()
			return l, fmt.Errorf("note the path of the API's socket: %w", err)
		}
	}
	var err error
	if l.Listener, err = net.Listen("unix", path); err != nil {
		l.forget()
		return l, fmt.Errorf("listen on the API's socket: %w", err)
	}
	// Until this the directory's mode alone keeps others out.
	if err := os.Chmod(path, 0o600); err != nil {
		l.Close()
		l.forget()
		return l, fmt.Errorf("close the API's socket to others: %w", err)
	}
	return l, nil
}

// forgetShort removes the short path that an earlier node left, and nothing
// else: only a socket of ours in a directory of ours.
func forgetShort(dataDir string) {
	path, ok := shortPath(dataDir)
	if !ok {
		return
	}
	_ = os.Remove(path)               // may be gone
	_ = os.Remove(filepath.Dir(path)) // only when it's empty
	_ = os.Remove(filepath.Join(dataDir, pointName))
}

// shortPath reads where the socket is when its own path is too long.
func shortPath(dataDir string) (string, bool) {
	text, err := os.ReadFile(filepath.Join(dataDir, pointName))
	path := string(text)
	ok := err == nil && filepath.IsAbs(path) && len(path) <= maxSocketPath && filepath.Base(path) == socketName &&
		strings.HasPrefix(filepath.Base(filepath.Dir(path)), shortName)
	return path, ok
}

// SocketPath tells where the socket of a data directory's node is. It returns
// ErrNotRunning when the path is too long for a socket, and no node has noted a
// short one.
func SocketPath(dataDir string) (string, error) {
	path := filepath.Join(dataDir, socketName)
	if len(path) <= maxSocketPath {
		return path, nil
	}
	if short, ok := shortPath(dataDir); ok {
		return short, nil
	}
	return "", fmt.Errorf("%s: %w", dataDir, ErrNotRunning)
}
