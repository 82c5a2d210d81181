//go:build !linux

package p2p

import "net"

// socket reads a connection as it does by itself.
type socket struct{ net.Conn }

func newSocket(c net.Conn) *socket { return &socket{c} }

func (s *socket) readSome(p []byte, _ int) (int, error) { return s.Conn.Read(p) }

func (s *socket) writeAll(p []byte) (int, error) { return s.Conn.Write(p) }
