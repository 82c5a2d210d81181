package main

import "context"

type keepsakeCmd struct {
	Now bool `help:"Back the books up and leave a keepsake now."`
}

// Help says more than one line.
func (k *keepsakeCmd) Help() string {
	return `What friends keep for the day on which this disk is gone, and only your 24 words open: who your friends are, and the cap of the newest backup of the books (files, names, caps, and who holds what). A new keepsake goes out whenever friends change; the books are backed up at friends an hour after the first file, and then each day on which something changed.`
}

// Run shows the keepsake, or makes a new one.
func (k *keepsakeCmd) Run(ctx context.Context, c *cli) error {
	node, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer node.Close()
	v, err := node.Keepsake(ctx, k.Now)
	if err != nil || c.JSON {
		return c.emitUnless(err, v)
	}
	c.printf("epoch        %d", v.Epoch)
	c.printf("keepsake     %s", pick(v.Time == 0, "none yet", "of "+when(v.Time)))
	c.printf("backup       %s; %s in the books", pick(v.Backup == 0, "none yet", "of "+when(v.Backup)), plural(v.Files, "file"))
	for _, f := range v.Friends {
		c.printf("friend       %s: %s", f.Name, pick(f.Has, "has the newest", "doesn't have it yet, as far as is known"))
	}
	return nil
}
