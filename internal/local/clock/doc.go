// Package clock takes durations and gives calls when they are over, by the machine's clock or by one that a test advances.
package clock
