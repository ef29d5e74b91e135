// Package uitest takes what a program writes to a pseudo-terminal and gives what a person would see there. It is for tests alone.
package uitest
