package node

import (
	"time"

	"potluck"
)

const (
	maxAudits    = 100_000 // a day and friend
	maxProofDays = 365
)

// proving fills in how hosts are audited.
func (c *Config) proving() error {
	if c.Audits == 0 {
		c.Audits = defaultAudits
	}
	if c.AuditBytes == 0 {
		c.AuditBytes = defaultAuditBytes
	}
	if c.ProofDays == 0 {
		c.ProofDays = defaultProofDays
	}
	c.Audits, c.AuditBytes, c.ProofDays = max(c.Audits, 0), max(c.AuditBytes, 0), max(c.ProofDays, 0)
	if c.Audits > maxAudits || c.AuditBytes > potluck.MaxSize || c.ProofDays > maxProofDays {
		return usagef("audits of %d, audit_bytes of %d and proof_days of %d: want at most %d, %d and %d",
			c.Audits, c.AuditBytes, c.ProofDays, maxAudits, potluck.MaxSize, maxProofDays)
	}
	return nil
}

// proofWindow is for how long a proof counts; 0: for ever.
func (c Config) proofWindow() time.Duration { return time.Duration(c.ProofDays) * 24 * time.Hour }
