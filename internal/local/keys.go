package local

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/kedroctl/kedroctl/internal/local/wire"
)

// credentialsPath is where jobs get their credentials, as containers do from the ECS agent.
const credentialsPath = "/credentials/"

// lifetime is how long a job is told that its credentials last; clients ask again before.
const lifetime = 6 * time.Hour

// key is an access key with its secret, and whom it stands for.
type key struct {
	id, secret, token string
	roleARN           string
	caller            wire.Caller
}

// keyring holds the server's own key and those of running jobs.
type keyring struct {
	own    key
	mu     sync.Mutex
	byID   map[string]key
	byPath map[string]key // by the last step of the path that serves them
}

func newKeyring(o Options) *keyring {
	own := key{id: o.AccessKey, secret: o.SecretKey, caller: wire.Caller{
		AccessKey: o.AccessKey, ARN: "arn:aws:iam::" + o.Account + ":user/local", UserID: "AIDALOCAL",
	}}
	return &keyring{own: own, byID: map[string]key{own.id: own}, byPath: map[string]key{}}
}

func (k *keyring) find(id string) (key, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	found, ok := k.byID[id]
	return found, ok
}

// role is the ARN of the role whose session an access key is for, "" for a key of no role.
func (k *keyring) role(id string) string {
	found, _ := k.find(id)
	return found.roleARN
}

// issue makes the key of a session of a role and gives the path by which its owner fetches it; revoke takes it back. All of it follows from the name of
// the session and the server's own secret: a job that outlives the server's process finds the next one with the same.
func (k *keyring) issue(session, roleARN string) (path string, revoke func()) {
	derived := func(what string) string {
		mac := hmac.New(sha256.New, []byte(k.own.secret))
		mac.Write([]byte(strings.Join([]string{what, session, roleARN}, "\x00"))) // never fails
		return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(mac.Sum(nil))
	}
	role := roleARN[strings.LastIndex(roleARN, "/")+1:]
	account, _, _ := strings.Cut(strings.TrimPrefix(k.own.caller.ARN, "arn:aws:iam::"), ":")
	at := derived("path")
	issued := key{id: "ASIA" + derived("id")[:16], secret: derived("secret"), token: derived("token"), roleARN: roleARN}
	issued.caller = wire.Caller{AccessKey: issued.id, UserID: "AROALOCAL:" + session, ARN: "arn:aws:sts::" + account + ":assumed-role/" + role + "/" + session}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.byID[issued.id], k.byPath[at] = issued, issued
	return credentialsPath + at, func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		delete(k.byID, issued.id)
		delete(k.byPath, at)
	}
}

// serve answers as the container credentials provider of the SDKs expects.
func (k *keyring) serve(w http.ResponseWriter, r *http.Request) {
	k.mu.Lock()
	found, ok := k.byPath[strings.TrimPrefix(r.URL.Path, credentialsPath)]
	k.mu.Unlock()
	if !ok || r.Method != http.MethodGet {
		http.Error(w, "no such credentials", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]string{ // a job that has gone needs no answer
		"RoleArn":         found.roleARN,
		"AccessKeyId":     found.id,
		"SecretAccessKey": found.secret,
		"Token":           found.token,
		"Expiration":      time.Now().Add(lifetime).UTC().Format(time.RFC3339),
	})
}

// enter gives a job what its host gives on AWS: a region, a role's credentials, and here the way to this server.
func (s *Server) enter(id, roleARN string) (env map[string]string, leave func()) {
	path, revoke := s.keys.issue(id, roleARN)
	return map[string]string{
		"AWS_ENDPOINT_URL":                   s.opt.Endpoint,
		"AWS_CONTAINER_CREDENTIALS_FULL_URI": s.opt.Endpoint + path,
		"AWS_REGION":                         s.opt.Region,
		"AWS_DEFAULT_REGION":                 s.opt.Region,
	}, revoke
}
