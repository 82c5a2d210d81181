package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"time"

	"potluck/gateway/api"
)

type pageCmd struct {
	Open  bool `help:"Open it in a browser."`
	Token bool `help:"Print a token for a program in place of a link, such as a collector of metrics."`
	Days  *int `placeholder:"N" help:"How long the token is good (30)."`
}

// Help says more than one line.
func (p *pageCmd) Help() string {
	return "The link signs one browser in, once, within 15 minutes. Who has it, or a token, may do all that you may do."
}

// maxTokenDays bounds the life of a token.
const maxTokenDays = 366

// Run prints a link or a token.
func (p *pageCmd) Run(ctx context.Context, c *cli) error {
	switch {
	case p.Token && p.Open:
		return usagef("--open opens a link, and --token makes a token for a program: say one of them")
	case p.Token:
		return p.token(ctx, c)
	case p.Days != nil:
		return usagef("--days is for --token: a link signs one browser in, within 15 minutes, for 30 days")
	}
	link, err := pageLink(ctx, c)
	if err != nil {
		return err
	}
	if c.JSON {
		return c.emit(map[string]string{"link": link})
	}
	c.printf("%s", link)
	if p.Open {
		return openBrowser(link)
	}
	return nil
}

func (p *pageCmd) token(ctx context.Context, c *cli) error {
	days := 30
	if p.Days != nil {
		days = *p.Days
	}
	if days < 1 || days > maxTokenDays {
		return usagef("--days is %d; want 1 to %d", days, maxTokenDays)
	}
	if err := isUp(ctx, c); err != nil {
		return err
	}
	addr, token, err := api.PageToken(c.Data, time.Now().AddDate(0, 0, days))
	if err != nil {
		return err
	}
	if c.JSON {
		return c.emit(map[string]string{"address": addr, "token": token})
	}
	c.printf("%s", token)
	return nil
}

// isUp tells whether the node runs: a link to one that doesn't leads nowhere.
func isUp(ctx context.Context, c *cli) error {
	node, err := c.dial(ctx)
	if err != nil {
		return err
	}
	node.Close()
	return nil
}

// pageLink makes a link to the page.
func pageLink(ctx context.Context, c *cli) (string, error) {
	if err := isUp(ctx, c); err != nil {
		return "", err
	}
	link, err := api.PageLink(c.Data, time.Now())
	if errors.Is(err, api.ErrNotRunning) {
		err = fmt.Errorf("this node has no page; start it without --page off")
	}
	return link, err
}

// hasScreen tells whether a browser could be shown here.
func hasScreen() bool {
	return runtime.GOOS == "darwin" || runtime.GOOS == "windows" || os.Getenv("DISPLAY") != "" || os.Getenv("WAYLAND_DISPLAY") != ""
}

// openBrowser has the system open a link. That nothing opens isn't worth an
// error: the link is printed.
func openBrowser(link string) error {
	name, args := "xdg-open", []string{link}
	switch runtime.GOOS {
	case "darwin":
		name = "open"
	case "windows":
		name, args = "rundll32", []string{"url.dll,FileProtocolHandler", link}
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return nil
	}
	cmd := exec.Command(path, args...)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("open the page: %w", err)
	}
	go func() { _ = cmd.Wait() }() // ends with the opener, which hands over to a browser
	return nil
}
