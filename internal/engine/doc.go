// Package engine takes Docker's settings of this machine and gives the engine that they name: its address, a client of its API, and whether it is on
// this machine. Docker Engine and Podman count alike.
package engine
