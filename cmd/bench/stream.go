package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	tls "github.com/libp2p/go-libp2p/p2p/security/tls"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
)

const (
	bulkProtocol = "/bench/bulk/1" // reads all, answers one byte
	echoProtocol = "/bench/echo/1" // answers 64 bytes with 64 bytes
)

// bareHost is libp2p with nothing but what a stream over TCP and TLS needs.
func bareHost() (host.Host, error) {
	return libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.Transport(tcp.NewTCPTransport),
		libp2p.Security(tls.ID, tls.New), libp2p.DisableRelay(), libp2p.DisableMetrics(), libp2p.DisableIdentifyAddressDiscovery(),
		libp2p.ResourceManager(&network.NullResourceManager{}))
}

// streamCosts gives the CPU seconds of both ends per byte of a bulk stream, and
// per request on a new stream.
func streamCosts(ctx context.Context) (perByte, perRequest float64, err error) {
	from, err := bareHost()
	if err != nil {
		return 0, 0, fmt.Errorf("bare libp2p host: %w", err)
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	to, err := bareHost()
	if err != nil {
		return 0, 0, fmt.Errorf("bare libp2p host: %w", err)
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	to.SetStreamHandler(bulkProtocol, func(s network.Stream) {
		defer s.Close()
		if _, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, s, make([]byte, 256<<10)); err == nil {
			s.Write([]byte{1}) // the other end notices when this is missing
		}
	})
	to.SetStreamHandler(echoProtocol, func(s network.Stream) {
		defer s.Close()
		var b [64]byte
		if _, err := io.ReadFull(s, b[:]); err == nil {
			s.Write(b[:])
		}
	})
	if err := from.Connect(ctx, peer.AddrInfo{ID: to.ID(), Addrs: to.Addrs()}); err != nil {
		return 0, 0, err
	}
	if perByte, err = bulkCost(ctx, from, to.ID()); err != nil {
		return 0, 0, err
	}
	perRequest, err = requestCost(ctx, from, to.ID())
	return perByte, perRequest, err
}

func bulkCost(ctx context.Context, from host.Host, to peer.ID) (float64, error) {
	const rounds = 1024
	buf := randomBytes(256<<10, 5)
	cost, err := processCPU(func() error {
		s, err := from.NewStream(ctx, to, bulkProtocol)
		if err != nil {
			return err
		}
		defer s.Close()
		for range rounds {
			if _, err := s.Write(buf); err != nil {
				return err
			}
		}
		if err := s.CloseWrite(); err != nil {
			return err
		}
		_, err = io.ReadFull(s, make([]byte, 1))
		return err
	})
	return cost / (rounds * float64(len(buf))), err
}

func requestCost(ctx context.Context, from host.Host, to peer.ID) (float64, error) {
	const rounds = 2000
	var b [64]byte
	cost, err := processCPU(func() error {
		for range rounds {
			s, err := from.NewStream(ctx, to, echoProtocol)
			if err != nil {
				return err
			}
			if _, err := s.Write(b[:]); err != nil {
				return err
			}
			if _, err := io.ReadFull(s, b[:]); err != nil {
				return err
			}
			if err := s.Close(); err != nil {
				return err
			}
		}
		return nil
	})
	return cost / rounds, err
}

// processCPU gives the CPU seconds that this process used for work.
func processCPU(work func() error) (float64, error) {
	before, err := cpuTime()
	if err != nil {
		return 0, err
	}
	if err := work(); err != nil {
		return 0, err
	}
	after, err := cpuTime()
	return (after - before).Seconds(), err
}
