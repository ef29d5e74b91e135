//go:build real

package provision

import (
	"net"
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// moto starts an unmodified moto_server, the judge that was not written here.
func moto(t *testing.T) *testAWS {
	t.Helper()
	server, err := exec.LookPath("moto_server")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("moto_server is not on PATH")
		}
		t.Skip("SKIPPED: moto_server is not on PATH, so the stack was not judged by moto")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	host, port, _ := net.SplitHostPort(address)
	cmd := exec.Command(server, "-H", host, "-p", port)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		if answer, err := http.Get("http://" + address + "/moto-api/"); err == nil {
			answer.Body.Close()
			return newTestAWS("http://" + address)
		} else if time.Now().After(deadline) {
			t.Fatalf("moto_server does not answer: %v", err)
		}
	}
}

func TestMotoStackComesAndGoes(t *testing.T) {
	a, s := moto(t), testSpec(t)
	res := mustApply(t, a, s)
	t.Logf("%d mutating calls", len(a.mutations()))
	if again := mustApply(t, a, s); len(a.mutations()) > 0 {
		t.Errorf("second apply changed something: %v", states(again.All))
	}
	image := res.Repository.URI + "@sha256:0000000000000000000000000000000000000000000000000000000000000000"
	first, err := Register(t.Context(), a.Batch, s, res, image)
	if err != nil {
		t.Fatal(err)
	}
	second, err := Register(t.Context(), a.Batch, s, res, image)
	if err != nil || !second.Reused || second.ARN != first.ARN {
		t.Errorf("registered twice: %+v, %v", second, err)
	}
	gone, err := Destroy(t.Context(), a.Clients, s, DestroyOptions{Data: true}, &steps{})
	if err != nil {
		t.Fatal(err)
	}
	if gone.Kept != nil {
		t.Errorf("kept: %v", gone.Kept)
	}
	left, err := Destroy(t.Context(), a.Clients, s, DestroyOptions{Data: true}, &steps{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Destroyed{}, left); diff != "" {
		t.Errorf("left by the first destroy (-want +got):\n%s", diff)
	}
}
