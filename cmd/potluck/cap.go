package main

import (
	"potluck"
	"potluck/caps"
	"potluck/files"
)

type capCmd struct {
	Verify capVerifyCmd `cmd:"" help:"Print the verify cap of a file: who has it can check and repair the file, and not read it."`
}

type capVerifyCmd struct {
	capFlags
}

// Help says more than one line.
func (v *capVerifyCmd) Help() string {
	return "It is made of the cap alone; no node needs to run. \"potluck check\", \"where\" and \"repair\" take it in place of the cap. There is no way back from it to the cap."
}

// verifyReport is the JSON of cap verify.
type verifyReport struct {
	Cap    string               `json:"cap"`
	Index  potluck.StorageIndex `json:"index"`
	Size   potluck.Size         `json:"size"`
	Layout potluck.Layout       `json:"layout"`
}

// Run prints the verify cap.
func (v *capVerifyCmd) Run(c *cli) error {
	text, err := v.read(c)
	if err != nil {
		return err
	}
	parsed, err := caps.Parse(text)
	if err != nil {
		return usagef("%w", err)
	}
	verify, err := files.VerifyCap(parsed)
	if err != nil {
		return usagef("%w", err)
	}
	if c.JSON {
		return c.emit(verifyReport{verify.Text(), verify.Index, verify.Layout.Size, verify.Layout})
	}
	c.printf("%s", verify.Text())
	return nil
}
