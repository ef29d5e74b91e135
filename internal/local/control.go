package local

import (
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"os"
	"strings"
)

// controlPath is where the server answers for itself and not for AWS.
const controlPath = "/kedroctl/"

// secretHeader proves that a caller may read server.json.
const secretHeader = "X-Kedroctl-Secret"

// pong says which server answers: the access key is random, so it is that of one state directory only.
type pong struct {
	AccessKey string `json:"access_key"`
	PID       int    `json:"pid"`
}

func (s *Server) serveControl(w http.ResponseWriter, r *http.Request) {
	switch r.Method + " " + strings.TrimPrefix(r.URL.Path, controlPath) {
	case "GET ping":
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(pong{s.opt.AccessKey, os.Getpid()}) // whoever asked and went away needs no answer
	case "POST stop":
		s.serveStop(w, r)
	default:
		http.NotFound(w, r)
	}
}

func (s *Server) serveStop(w http.ResponseWriter, r *http.Request) {
	if subtle.ConstantTimeCompare([]byte(r.Header.Get(secretHeader)), []byte(s.opt.SecretKey)) != 1 {
		http.Error(w, "not the server's secret", http.StatusForbidden)
		return
	}
	if s.stop == nil {
		http.Error(w, "this server belongs to the process that made it", http.StatusConflict)
		return
	}
	w.WriteHeader(http.StatusAccepted)
	s.stop()
}
