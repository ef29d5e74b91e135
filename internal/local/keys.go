package local

import (
	"crypto/rand"
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
	account string
	mu      sync.Mutex
	byID    map[string]key
	byPath  map[string]key // by the last step of the path that serves them
}

func newKeyring(o Options) *keyring {
	own := key{id: o.AccessKey, secret: o.SecretKey, caller: wire.Caller{
		AccessKey: o.AccessKey, ARN: "arn:aws:iam::" + o.Account + ":user/local", UserID: "AIDALOCAL",
	}}
	return &keyring{account: o.Account, byID: map[string]key{o.AccessKey: own}, byPath: map[string]key{}}
}

func (k *keyring) find(id string) (key, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	found, ok := k.byID[id]
	return found, ok
}

// issue makes the key of a session of a role and gives the path by which its owner fetches it; revoke takes it back.
func (k *keyring) issue(roleARN string) (path string, revoke func()) {
	role := roleARN[strings.LastIndex(roleARN, "/")+1:]
	session := strings.ToLower(rand.Text())
	at := rand.Text()
	issued := key{id: "ASIA" + rand.Text()[:16], secret: rand.Text() + rand.Text(), token: rand.Text(), roleARN: roleARN}
	issued.caller = wire.Caller{
		AccessKey: issued.id, UserID: "AROALOCAL:" + session,
		ARN: "arn:aws:sts::" + k.account + ":assumed-role/" + role + "/" + session,
	}
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
func (s *Server) enter(_, roleARN string) (env map[string]string, leave func()) {
	path, revoke := s.keys.issue(roleARN)
	return map[string]string{
		"AWS_ENDPOINT_URL":                   s.opt.Endpoint,
		"AWS_CONTAINER_CREDENTIALS_FULL_URI": s.opt.Endpoint + path,
		"AWS_REGION":                         s.opt.Region,
		"AWS_DEFAULT_REGION":                 s.opt.Region,
	}, revoke
}
