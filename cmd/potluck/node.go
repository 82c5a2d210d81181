package main

import (
	"context"

	"potluck/gateway/api"
)

// dial finds the node that runs in the data directory.
func (c *cli) dial(ctx context.Context) (*api.Client, error) { return api.Dial(ctx, c.Data) }

// emitUnless prints v as JSON, unless there is an error to return.
func (c *cli) emitUnless(err error, v any) error {
	if err != nil {
		return err
	}
	return c.emit(v)
}
