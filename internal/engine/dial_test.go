package engine

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/client"

	"github.com/kedroctl/kedroctl/internal/ui"
)

// answering is an engine that says OK to a ping, in a version of the API.
func answering(version string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Api-Version", version) })
}

// socket serves an engine on a unix socket.
func socket(t *testing.T, h http.Handler) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "docker.sock")
	l, err := net.Listen("unix", file)
	if err != nil {
		t.Fatal(err)
	}
	s := &httptest.Server{Listener: l, Config: &http.Server{Handler: h}}
	s.Start()
	t.Cleanup(s.Close)
	return "unix://" + file
}

func TestDialErrors(t *testing.T) {
	plain := httptest.NewServer(answering("1.44"))
	defer plain.Close()
	secure := httptest.NewTLSServer(answering("1.44"))
	defer secure.Close()
	tests := []struct {
		name, host, certificates, want, hint string
	}{
		{"no socket", "unix://" + filepath.Join(t.TempDir(), "docker.sock"), "", "no Docker Engine answers at unix://", "start Docker"},
		{"nobody listens", "tcp://127.0.0.1:1", "", "no Docker Engine answers at tcp://127.0.0.1:1 (DOCKER_HOST)", "start Docker"},
		{"no such host", "tcp://build.invalid:2375", "", "has an address that nobody knows", "correct DOCKER_HOST"},
		{"old engine", socket(t, answering("1.38")), "", "is too old or too new: API version 1.38 is not supported", "Docker Engine 20.10"},
		{"TLS without being asked for", "tcp://" + secure.Listener.Addr().String(), "", "don't agree on TLS", "DOCKER_TLS_VERIFY=1"},
		{"no TLS where it is asked for", "tcp://" + plain.Listener.Addr().String(), t.TempDir(), "don't agree on TLS", "DOCKER_TLS_VERIFY=1"},
		{"certificate of a stranger", "tcp://" + secure.Listener.Addr().String(), t.TempDir(), "no TLS with the Docker Engine at tcp://", "ca.pem, cert.pem and key.pem"},
		{"an answer of something else", socket(t, http.NotFoundHandler()), "", "connect to the Docker Engine at unix://", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Endpoint{Host: tt.host, From: "DOCKER_HOST", TLS: tt.certificates}.Dial(t.Context())
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(ui.Hint(err), tt.hint) {
				t.Errorf("error %v, hint %q", err, ui.Hint(err))
			}
		})
	}
}

// TestNoPermission has the client's own words: whoever runs the test as root may use every socket.
func TestNoPermission(t *testing.T) {
	host := socket(t, answering("1.44"))
	err := Endpoint{Host: host, From: "default"}.explain(t.Context(), &os.PathError{Op: "dial", Path: host, Err: os.ErrPermission})
	if !strings.Contains(err.Error(), "no permission to use the Docker Engine at unix://") || !strings.Contains(ui.Hint(err), "group docker") {
		t.Errorf("error %v, hint %q", err, ui.Hint(err))
	}
}

// certificates writes what both sides of a connection show: one key, signed by itself.
func certificates(t *testing.T, dir string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})
	for name, content := range map[string][]byte{"ca.pem": certPEM, "cert.pem": certPEM, "key.pem": keyPEM} {
		write(t, filepath.Join(dir, name), string(content))
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// TestDialWithTLS reaches an engine that wants the client's certificate, by variables and by a context.
func TestDialWithTLS(t *testing.T) {
	dir := t.TempDir()
	pair := certificates(t, dir)
	pool := x509.NewCertPool()
	ca, err := os.ReadFile(filepath.Join(dir, "ca.pem"))
	if err != nil || !pool.AppendCertsFromPEM(ca) {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(answering("1.44"))
	s.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool}
	s.StartTLS()
	defer s.Close()
	host := "tcp://" + s.Listener.Addr().String()

	t.Run("by variables", func(t *testing.T) {
		settings(t, map[string]string{"DOCKER_HOST": host, "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": dir})
		dialFound(t)
	})
	t.Run("by a context", func(t *testing.T) {
		config := dockerConfig(t, "mine", "mine", host)
		settings(t, map[string]string{"DOCKER_CONFIG": config})
		if err := os.CopyFS(filepath.Join(config, "contexts/tls", contextID("mine"), "docker"), os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		dialFound(t)
	})
	t.Run("without a certificate", func(t *testing.T) {
		if err := os.Remove(filepath.Join(dir, "cert.pem")); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(filepath.Join(dir, "key.pem")); err != nil {
			t.Fatal(err)
		}
		_, err := Endpoint{Host: host, From: "DOCKER_HOST", TLS: dir}.Dial(t.Context())
		if err == nil || !strings.Contains(ui.Hint(err), "ca.pem, cert.pem and key.pem") {
			t.Errorf("error %v, hint %q", err, ui.Hint(err))
		}
	})
}

func dialFound(t *testing.T) {
	t.Helper()
	at, err := Find()
	if err != nil {
		t.Fatal(err)
	}
	docker, err := at.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer docker.Close()
	if _, err := docker.Ping(t.Context(), client.PingOptions{}); err != nil {
		t.Error(err)
	}
}
