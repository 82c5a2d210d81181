package node

import (
	"time"

	"potluck"
)

const (
	defaultRepairBudget = 10 * potluck.GiB
	defaultRepairAfter  = 24 * time.Hour
	minRepairAfter      = time.Minute
	maxRepairAfter      = 365 * 24 * time.Hour
)

// repairing fills in how files are repaired.
func (c *Config) repairing() error {
	if c.RepairBudget == 0 {
		c.RepairBudget = defaultRepairBudget
	}
	if c.RepairAfter == 0 {
		c.RepairAfter = defaultRepairAfter
	}
	if c.RepairBudget > potluck.MaxSize || c.RepairAfter < minRepairAfter || c.RepairAfter > maxRepairAfter {
		return usagef("repair_budget of %d and repair_after of %v: want at most %d, and %v to %v",
			int64(c.RepairBudget), c.RepairAfter, int64(potluck.MaxSize), minRepairAfter, maxRepairAfter)
	}
	return nil
}
