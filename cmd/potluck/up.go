package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/alecthomas/kong"
	"golang.org/x/sync/errgroup"

	"potluck"
	"potluck/files"
	"potluck/gateway/api"
	"potluck/gateway/web"
	"potluck/node"
)

type upCmd struct {
	Name       string   `env:"POTLUCK_NAME" placeholder:"NAME" help:"What friends see (${env}; the host's name)."`
	Offer      *size    `env:"POTLUCK_OFFER" placeholder:"SIZE" help:"Bytes offered to friends in all (${env}; 10GiB)."`
	Floor      *size    `env:"POTLUCK_FLOOR" placeholder:"SIZE" help:"Bytes of the disk that stay free (${env}; 1GiB, or 5 % of a small disk)."`
	Listen     []string `env:"POTLUCK_LISTEN" placeholder:"ADDR" help:"Multiaddr to listen on; may be repeated (${env}; TCP and QUIC on all addresses, on a port that stays the same)."`
	Page       string   `env:"POTLUCK_PAGE" placeholder:"ADDR" help:"Where the page in your browser is: an address of this machine's loopback, or off (${env}; 127.0.0.1, on a port that stays the same)."`
	PageRenew  bool     `help:"Sign every browser and program out that has a token of the page."`
	EmptyBooks bool     `help:"Begin with empty books where there were others, which are gone: what was known of files, friends and credit is given up; shares on this disk are taken up from their headers."`
	NoOpen     bool     `help:"Don't open the page, also when a person and a browser seem to be there."`

	LogLevel string `env:"POTLUCK_LOG" enum:"debug,info,warn,error" default:"warn" placeholder:"LEVEL" help:"What is logged on stderr: debug, info, warn or error (${env}; ${default})."`
}

// Help says more than one line.
func (u *upCmd) Help() string {
	return `Runs a node in the foreground until it is interrupted, and makes one when the data directory has none. A flag goes before its environment variable, that before config.toml in the data directory, that before the default. config.toml has the keys name, offer, floor, listen, page, coming (how long room stays reserved for an upload that doesn't go on), lease (how long friends are asked to keep your shares, each day anew), max_hops (how many credit pointers may lie between a friend and somebody whom your node serves for it: 3; 0 serves friends only), publish (whether friends are shown what your node signed about who holds how much for whom: true), crawl_share (the part of the time that comparing the store with the books and reading it again may take: 0.1; 0 does neither by itself), scrub_days (in how many days every byte that you keep is read once: 30; 0 never), audits (how many pieces of your shares each host is asked for a day: 66; 0 none), audit_bytes (what that may move with one host a day: "32MiB"), proof_days (for how many days a good audit counts: 14; 0 for ever), repair_budget (what bringing back lost shares of your files may move a day: "10GiB"; 0: they aren't repaired by themselves), repair_after (how long a friend may be away before its shares are made anew elsewhere: "24h") and evict ("ask": nobody is evicted without your word; "auto": after all notices it goes by itself).`
}

// stopTime bounds how long a node may take to stop.
const stopTime = 10 * time.Second

// Run runs a node until ctx ends or something fails for good.
func (u *upCmd) Run(ctx context.Context, c *cli, line *kong.Context) error {
	config, err := u.config(c)
	if err != nil {
		return err
	}
	node.LimitMemory()
	n, err := node.New(ctx, config)
	var usage *files.UsageError
	if errors.As(err, &usage) {
		return &exitErr{exitUsage, err}
	}
	if err != nil {
		return booksErr(err)
	}
	if err := u.keep(c.Data, line); err != nil {
		c.remark("the next start won't know what was said at this one: %v", err)
	}
	page, err := u.openPage(n, config)
	if err != nil {
		return errors.Join(err, n.Close())
	}
	group, running := errgroup.WithContext(ctx)
	group.Go(func() error { return n.Run(running) })
	group.Go(func() error { return api.Serve(running, n, config.Log) })
	if page != nil {
		group.Go(func() error { return page.Serve(running) })
	}
	group.Go(func() error { return u.announce(running, c) })
	ended := make(chan error, 1)
	go func() { ended <- errors.Join(group.Wait(), n.Close()) }() // ends with the node
	select {
	case err = <-ended:
		return booksErr(err)
	case <-running.Done():
	}
	select {
	case err = <-ended:
		return booksErr(err)
	case <-time.After(stopTime):
		return fmt.Errorf("the node didn't stop within %v; it is left as after a crash, and mends itself at the next start", stopTime)
	}
}

// keep writes into config.toml what flags say that a node is, so that it is so at the
// next start too. What only says where it runs now isn't kept, nor the environment,
// which whoever set it will set again.
func (u *upCmd) keep(data string, line *kong.Context) error {
	change := make(map[string]string)
	for _, p := range line.Path {
		if p.Flag == nil || p.Resolved {
			continue
		}
		switch p.Flag.Name {
		case "name":
			if u.Name != "" { // an empty one says nothing, at this start neither
				change["name"] = u.Name
			}
		case "offer":
			change["offer"] = strconv.FormatInt(int64(*u.Offer), 10)
		case "floor":
			change["floor"] = strconv.FormatInt(int64(*u.Floor), 10)
		}
	}
	if len(change) == 0 {
		return nil
	}
	return node.SaveSettings(data, change)
}

// config joins flags and environment with config.toml and the defaults.
func (u *upCmd) config(c *cli) (node.Config, error) {
	file, err := node.ReadFile(c.Data)
	if err != nil {
		return node.Config{}, usagef("%w", err)
	}
	config := file.Config(c.Data)
	config.Log, config.EmptyBooks = c.logger(u.LogLevel), u.EmptyBooks
	said := func(key string) { config.Fixed = append(config.Fixed, key) }
	if u.Name != "" {
		config.Name = u.Name
		said("name")
	}
	if u.Offer != nil {
		config.Offer = node.OrNone((*potluck.Size)(u.Offer))
		said("offer")
	}
	if u.Floor != nil {
		config.Floor = node.OrNone((*potluck.Size)(u.Floor))
		said("floor")
	}
	if len(u.Listen) > 0 {
		config.Listen = u.Listen
	}
	if u.Page != "" {
		config.Page = u.Page
		said("page")
	}
	u.Page = cmp.Or(config.Page, node.DefaultPage)
	return config, nil
}

// logger writes to stderr what is at least of a level.
func (c *cli) logger(level string) *slog.Logger {
	var l slog.Level
	if l.UnmarshalText([]byte(level)) != nil {
		l = slog.LevelWarn // kong has checked it
	}
	options := &slog.HandlerOptions{Level: l}
	if c.JSON {
		return slog.New(slog.NewJSONHandler(c.err, options))
	}
	return slog.New(slog.NewTextHandler(c.err, options)) // quotes all that isn't printable
}

// announce waits until the API answers, and says who and where the node is.
func (u *upCmd) announce(ctx context.Context, c *cli) error {
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	client, err := c.dial(ctx)
	for errors.Is(err, api.ErrNotRunning) {
		select {
		case <-ctx.Done():
			return nil
		case <-again.C:
			client, err = c.dial(ctx)
		}
	}
	if err != nil {
		return unless(ctx, fmt.Errorf("speak to the own API: %w", err))
	}
	defer client.Close()
	status, err := client.Status(ctx)
	if err != nil {
		return unless(ctx, fmt.Errorf("ask the own status: %w", err))
	}
	if c.JSON {
		return c.emit(status)
	}
	socket, err := api.SocketPath(c.Data)
	if err != nil {
		return unless(ctx, err)
	}
	c.printStatus(status)
	c.printf("socket       %s", socket)
	c.printf("offers       %v", status.Offered)
	if u.Page != pageOff {
		if err := u.showPage(ctx, c); err != nil {
			return unless(ctx, err)
		}
	}
	c.printf("ready; stop it with Ctrl-C")
	return nil
}

// openPage gives the page its address; nil when there is to be none.
func (u *upCmd) openPage(n *node.Node, config node.Config) (*api.Opened, error) {
	if u.Page == pageOff {
		return nil, api.ClosePage(n.Data())
	}
	page, err := api.Page{Listen: u.Page, Static: web.Handler(), Renew: u.PageRenew}.Open(n, config.Log)
	var usage *files.UsageError
	if errors.As(err, &usage) {
		err = &exitErr{exitUsage, err}
	}
	return page, err
}

// pageOff says that there is to be no page.
const pageOff = "off"

// showPage prints a link to the page, and opens it if there is a person at a
// terminal with a screen.
func (u *upCmd) showPage(ctx context.Context, c *cli) error {
	link, err := pageLink(ctx, c)
	if err != nil {
		return err
	}
	c.printf("page         %s", link)
	if !u.NoOpen && c.outTerminal && hasScreen() {
		return openBrowser(link)
	}
	return nil
}

// unless gives err, or nil when ctx has ended: then it only is a consequence.
func unless(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}
