package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// grammar is the whole command line: one field a verb.
type grammar struct {
	Data  string `env:"POTLUCK_DATA" default:"~/.potluck" placeholder:"DIR" help:"The node's data directory (${env}, ${default})."`
	JSON  bool   `name:"json" help:"Print JSON in place of text; errors too."`
	Quiet bool   `short:"q" help:"No progress and no remarks on stderr."`

	Up       upCmd       `cmd:"" group:"Node" help:"Run a node; make one when there is none."`
	Status   statusCmd   `cmd:"" group:"Node" help:"Show the node at a glance."`
	Settings settingsCmd `cmd:"" group:"Node" help:"Show or change what the node was told to do."`
	Page     pageCmd     `cmd:"" group:"Node" help:"Make a link to your node's page in the browser."`
	Log      logCmd      `cmd:"" group:"Node" help:"Show what happened."`
	Ledger   ledgerCmd   `cmd:"" group:"Node" help:"Look after the books."`
	Crawl    crawlCmd    `cmd:"" group:"Node" help:"Compare the store with the books now, and mend where they differ."`
	Words    wordsCmd    `cmd:"" group:"Node" help:"Print the 24 words from which the node can be rebuilt."`
	Recover  recoverCmd  `cmd:"" group:"Node" help:"Rebuild a node from its words and a friend; or drill that."`
	Keepsake keepsakeCmd `cmd:"" group:"Node" help:"Show what friends keep for the day on which this disk is gone."`
	Version  versionCmd  `cmd:"" group:"Node" help:"Print the version."`
	Demo     demoCmd     `cmd:"" group:"Node" help:"Run a whole friendnet on this machine, and show that it works."`

	Testnet testnetCmd `cmd:"" group:"Research" help:"Run friendnets on this machine, of real nodes or of modelled ones."`

	Invite   inviteCmd   `cmd:"" group:"Friends" help:"Make an invite for a friend, and print its link."`
	Invites  invitesCmd  `cmd:"" group:"Friends" help:"List or revoke invites."`
	Join     joinCmd     `cmd:"" group:"Friends" help:"Accept a friend's invite."`
	Friends  friendsCmd  `cmd:"" group:"Friends" help:"List or remove friends."`
	Who      whoCmd      `cmd:"" group:"Friends" help:"Show who holds how much for whom, and why."`
	Orphans  orphansCmd  `cmd:"" group:"Friends" help:"Show or end what friends hold for you that no file of yours needs."`
	Disputes disputesCmd `cmd:"" group:"Friends" help:"Show where your books and a friend's differ, and can't be cured."`
	History  historyCmd  `cmd:"" group:"Friends" help:"Show what a friend kept, moved and proved, day by day."`
	Terms    termsCmd    `cmd:"" group:"Friends" help:"Show or change what a friend may have here."`
	Deny     denyCmd     `cmd:"" group:"Friends" help:"Take no new bytes from a friend."`
	Accept   acceptCmd   `cmd:"" group:"Friends" help:"Lift a denial."`
	Evict    evictCmd    `cmd:"" group:"Friends" help:"Delete all that is held for a friend."`

	Credit    creditCmd    `cmd:"" group:"Credit" help:"Show and point credit: who may use what you have at others."`
	Repay     repayCmd     `cmd:"" group:"Credit" help:"Say who repays those who hold your data."`
	WorkFor   workForCmd   `cmd:"" group:"Credit" help:"Repay the debts of a peer."`
	Why       whyCmd       `cmd:"" group:"Credit" help:"Say why you serve a peer, and why it serves you."`
	Standing  standingCmd  `cmd:"" group:"Credit" help:"Show or change where a peer stands here; show where you stand there."`
	Pardon    pardonCmd    `cmd:"" group:"Credit" help:"Make a peer good again."`
	Household householdCmd `cmd:"" group:"Credit" help:"Say which nodes are of your household."`

	Put    putCmd    `cmd:"" group:"Files" help:"Keep a file at your friends, and print its cap."`
	Get    getCmd    `cmd:"" group:"Files" help:"Get a file by its cap."`
	Rm     rmCmd     `cmd:"" group:"Files" help:"Stop keeping a file, and free its bytes."`
	Where  whereCmd  `cmd:"" group:"Files" help:"Show which friends hold a file's shares."`
	Cap    capCmd    `cmd:"" group:"Files" help:"Turn a cap into a weaker one."`
	Check  checkCmd  `cmd:"" group:"Files" help:"Check how healthy a file is: what may be lost, and how probably it can be read."`
	Repair repairCmd `cmd:"" group:"Files" help:"Bring a file's lost shares back."`
	Files  filesCmd  `cmd:"" group:"Files" help:"List what this node put."`
}

const summary = "Potluck: friends keep each other's files, encrypted and spread so that some of them may be gone."

// helpTail stands in the help of the whole program.
func helpTail() string {
	var b strings.Builder
	b.WriteString("Exit codes:")
	for i, e := range exitCodes {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, " %d %s", e.code, e.meaning)
	}
	return b.String() + "."
}

// exited carries kong's wish to end (after --help) up to run.
type exited int

// run is the whole program: it parses args, runs the verb and reports its
// error. It returns the exit code.
func run(ctx context.Context, args []string, s streams) (code int) {
	defer func() {
		if p := recover(); p != nil {
			e, ok := p.(exited)
			if !ok {
				panic(p)
			}
			code = int(e)
		}
	}()
	c := &cli{streams: s}
	err := parseAndRun(ctx, args, c)
	if err != nil {
		c.report(err)
	}
	return exitCode(err)
}

func parseAndRun(ctx context.Context, args []string, c *cli) error {
	var g grammar
	k, err := kong.New(&g,
		kong.Name("potluck"), kong.Description(summary+"\n\n"+helpTail()),
		kong.Writers(c.out, c.err),
		kong.Exit(func(code int) { panic(exited(code)) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.Bind(c), kong.BindTo(ctx, (*context.Context)(nil)))
	if err != nil {
		return fmt.Errorf("command line grammar: %w", err)
	}
	parsed, err := k.Parse(args)
	c.JSON, c.Quiet = g.JSON, g.Quiet
	if err != nil {
		c.JSON = c.JSON || slices.Contains(args, "--json") // kong sets no flags when one is wrong
		return usagef("%s; see \"potluck --help\"", plainly(err.Error()))
	}
	if c.Data, err = dataDir(g.Data); err != nil {
		return err
	}
	return parsed.Run()
}

// kongWords are what kong says of values, and how people say it.
var kongWords = []struct {
	kong  *regexp.Regexp
	plain string
}{
	{regexp.MustCompile(`^(--\S+): expected (?:\S+ )?value but got ("-.*") \(short flag\).*$`), "$1: $2 begins with a dash, and nothing that it takes does"},
	{regexp.MustCompile(`expected a valid 64 bit u?int but got`), "want a whole number, got"},
	{regexp.MustCompile(`expected value value`), "expected a value"},
}

// plainly says what kong found wrong in a command line as people say it.
func plainly(text string) string {
	for _, w := range kongWords {
		text = w.kong.ReplaceAllString(text, w.plain)
	}
	return text
}

// report writes an error to stderr: a sentence, or an object with --json.
func (c *cli) report(err error) {
	if errors.Is(err, errReported) {
		return
	}
	if c.JSON {
		emitTo(c.err, errorJSON(err)) // nothing is left to tell it to
		return
	}
	sentence := strings.ReplaceAll(err.Error(), "\n", "; ") // joined errors
	fmt.Fprintln(c.err, "potluck: "+escape(sentence))
}
