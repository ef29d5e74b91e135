// Package judges lets clients that were not written here use the embedded AWS, and compares its answers with those of another fake. It has tests only.
package judges
