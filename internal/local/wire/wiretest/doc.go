// Package wiretest takes errors of AWS's clients and gives what tests assert of them.
package wiretest
