//go:build !linux

package durable

import "os"

func startWriting(*os.File, int64, int64) error { return nil }
func letGo(*os.File, int64, int64) error        { return nil }
func forget(*os.File, int64, int64) error       { return nil }
