// Package browser tests the page as people meet it: in Chromium, over a net of
// five real nodes, each a process. What is done on the page is read back by the
// command line of another node. Screenshots are kept where POTLUCK_SHOTS says.
package browser
