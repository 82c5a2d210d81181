// Package storetest is the contract of shares.Store as tests.
package storetest

import (
	"testing"

	"potluck/shares"
)

// Run tests the stores that open makes, each new and empty.
func Run(t *testing.T, open func(t *testing.T) shares.Store) {}
