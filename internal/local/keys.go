package local

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"net/http"
	"strings"
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
	path              string // where a job fetches it
	caller            wire.Caller
}

// key finds an access key: the server's own or that of a running job.
func (s *Server) key(id string) (key, bool) {
	found, ok := s.keys.Load(id)
	k, _ := found.(key)
	return k, ok
}

// ownKey is that of the server's user.
func ownKey(o Options) key {
	return key{id: o.AccessKey, secret: o.SecretKey,
		caller: wire.Caller{ARN: "arn:aws:iam::" + o.Account + ":user/local", UserID: "AIDALOCAL"}}
}

// sessionKey is that of a session of a role. All of it follows from the session's name and the server's own secret, so that a job which outlives the
// server's process finds the next one with the same.
func sessionKey(o Options, session, roleARN string) key {
	derived := func(what string) string {
		mac := hmac.New(sha256.New, []byte(o.SecretKey))
		mac.Write([]byte(strings.Join([]string{what, session, roleARN}, "\x00"))) // never fails
		return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(mac.Sum(nil))
	}
	role := roleARN[strings.LastIndex(roleARN, "/")+1:]
	k := key{id: "ASIA" + derived("id")[:16], secret: derived("secret"), token: derived("token")}
	k.path = credentialsPath + k.id + "/" + derived("path")
	k.caller = wire.Caller{UserID: "AROALOCAL:" + session, Role: roleARN, ARN: "arn:aws:sts::" + o.Account + ":assumed-role/" + role + "/" + session}
	return k
}

// serveCredentials answers as the container credentials provider of the SDKs expects.
func (s *Server) serveCredentials(w http.ResponseWriter, r *http.Request) {
	id, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, credentialsPath), "/")
	found, _ := s.key(id)
	if !hmac.Equal([]byte(found.path), []byte(r.URL.Path)) {
		http.Error(w, "no such credentials", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]string{ // a job that has gone needs no answer
		"RoleArn":         found.caller.Role,
		"AccessKeyId":     found.id,
		"SecretAccessKey": found.secret,
		"Token":           found.token,
		"Expiration":      time.Now().Add(lifetime).UTC().Format(time.RFC3339),
	})
}

// enter gives a job what its host gives on AWS: a region, the credentials of its role where it has one, and here the way to this server.
func (s *Server) enter(id, roleARN string) (env map[string]string, leave func()) {
	env = map[string]string{"AWS_ENDPOINT_URL": s.opt.Endpoint, "AWS_REGION": s.opt.Region, "AWS_DEFAULT_REGION": s.opt.Region}
	if roleARN == "" {
		return env, func() {}
	}
	k := sessionKey(s.opt, id, roleARN)
	s.keys.Store(k.id, k)
	env["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = s.opt.Endpoint + k.path
	return env, func() { s.keys.Delete(k.id) }
}
