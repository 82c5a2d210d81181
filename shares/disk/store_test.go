package disk_test

import (
	"testing"

	"potluck/shares"
	"potluck/shares/disk"
	"potluck/shares/storetest"
)

func open(t testing.TB, dir string) *disk.Store {
	t.Helper()
	s, err := disk.New(dir, disk.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) shares.Store { return open(t, t.TempDir()) })
}
