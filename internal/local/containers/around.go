package containers

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// gatewayName is how containers of Docker Desktop, and of others that are told so, call the machine that they are used from.
const gatewayName = "host.docker.internal"

// lookAroundTime is for a container to try all addresses.
const lookAroundTime = time.Minute

// knock asks each address for the word that only this process knows, and prints the first one that has it.
const knock = `
import socket, sys, urllib.request
word, port, *hosts = sys.argv[1:]
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
for host in hosts:
    try:
        address = socket.gethostbyname(host)
        with opener.open(f"http://{address}:{port}/", timeout=3) as answer:
            if answer.read().decode() == word:
                print(address)
                break
    except OSError:
        pass
`

// lookAround finds the address by which containers on the engine's default network reach this machine: the engine's gateway to it, or an address of its own.
// It has a container of an image that the engine has, with a Python, try them all. For as long as that takes something listens on each of them that
// tells nothing but a random word.
func lookAround(ctx context.Context, docker *client.Client, image string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, lookAroundTime)
	defer cancel()
	own, err := ownAddresses()
	if err != nil {
		return "", err
	}
	word := rand.Text()
	port, stop, err := answerEverywhere(own, word)
	if err != nil {
		return "", err
	}
	defer stop()
	said, err := runOnce(ctx, docker, "kedroctl-"+word, &container.Config{
		Image: image, Entrypoint: append([]string{"python3", "-c", knock, word, port, gatewayName}, own...), Cmd: []string{},
	}, &container.HostConfig{ExtraHosts: []string{gatewayName + ":host-gateway"}})
	if err != nil {
		return "", fmt.Errorf("find how containers of the engine reach this machine: %w", err)
	}
	address := strings.TrimSpace(said)
	if net.ParseIP(address) == nil {
		return "", fmt.Errorf("containers of the engine, which is not on this machine, reach it by none of %s: "+
			"serve the embedded AWS on an address that they reach, with 'kedroctl local --host ADDRESS'. The container said: %q", strings.Join(append([]string{gatewayName}, own...), ", "), address)
	}
	return address, nil
}

// ownAddresses are those of this machine that others may reach.
func ownAddresses() ([]string, error) {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("list this machine's addresses: %w", err)
	}
	var own []string
	for _, a := range all {
		if ip, ok := a.(*net.IPNet); ok && ip.IP.To4() != nil && ip.IP.IsGlobalUnicast() {
			own = append(own, ip.IP.String())
		}
	}
	return own, nil
}

// answerEverywhere says a word on one port of the loopback and of the addresses.
func answerEverywhere(addresses []string, word string) (port string, stop func(), err error) {
	s := &http.Server{ReadHeaderTimeout: lookAroundTime, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, word) })}
	port = "0"
	for _, host := range append([]string{"127.0.0.1"}, addresses...) {
		l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", net.JoinHostPort(host, port))
		if err != nil && port == "0" {
			return "", nil, err
		}
		if err != nil {
			continue // somebody else has it
		}
		_, port, _ = net.SplitHostPort(l.Addr().String())
		go func() { _ = s.Serve(l) }()
	}
	return port, func() { _ = s.Close() }, nil
}

// runOnce runs a container to its end, gives what it has written, and removes it.
func runOnce(ctx context.Context, docker *client.Client, name string, c *container.Config, h *container.HostConfig) (said string, err error) {
	made, err := docker.ContainerCreate(context.WithoutCancel(ctx), client.ContainerCreateOptions{Name: name, Config: c, HostConfig: h})
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, discard(ctx, docker, made.ID)) }()
	wait := docker.ContainerWait(ctx, made.ID, client.ContainerWaitOptions{Condition: container.WaitConditionNextExit})
	if _, err := docker.ContainerStart(ctx, made.ID, client.ContainerStartOptions{}); err != nil {
		return "", err
	}
	select {
	case <-wait.Result:
	case err := <-wait.Error:
		return "", err
	}
	logs, err := docker.ContainerLogs(ctx, made.ID, client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true})
	if err != nil {
		return "", err
	}
	defer logs.Close()
	var text bytes.Buffer
	_, err = stdcopy.StdCopy(&text, &text, logs)
	return text.String(), err
}
