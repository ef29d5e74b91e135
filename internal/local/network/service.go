package network

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"maps"
	"net/http"
	"slices"

	"github.com/kedroctl/kedroctl/internal/local/wire"
)

// Options say whose network it is.
type Options struct {
	Account      string // 12 digits
	Region       string
	NoDefaultVPC bool        // an account whose default VPC was removed: there is none at all then
	Denied       wire.Denied // what the caller may not do, by ec2: actions
}

// Service answers EC2's look-ups.
type Service struct {
	opt     Options
	actions map[string]func(context.Context, wire.Query) (any, error)
	vpcs    []vpc
	subnets []subnet
	groups  []group
}

// New is the region's network.
func New(opt Options) *Service {
	s := &Service{opt: opt}
	s.actions = map[string]func(context.Context, wire.Query) (any, error){
		"DescribeVpcs":                  wire.Action(wire.PlainLists, s.describeVPCs),
		"DescribeSubnets":               wire.Action(wire.PlainLists, s.describeSubnets),
		"DescribeSecurityGroups":        wire.Action(wire.PlainLists, s.describeGroups),
		"DescribeInstanceTypeOfferings": wire.Action(wire.PlainLists, s.describeOfferings),
	}
	if !opt.NoDefaultVPC {
		s.addDefaultVPC()
	}
	return s
}

// addDefaultVPC is laid out as AWS does: 172.31.0.0/16, a /20 per availability zone, a group that lets its members reach each other.
func (s *Service) addDefaultVPC() {
	v := vpc{VPCID: s.id("vpc", ""), Owner: s.opt.Account, State: "available", CIDR: "172.31.0.0/16", Tenancy: "default", Default: true}
	s.vpcs = []vpc{v}
	for i, zone := range []string{"a", "b", "c"} {
		s.subnets = append(s.subnets, subnet{SubnetID: s.id("subnet", zone), VPCID: v.VPCID, Owner: s.opt.Account, State: "available",
			CIDR: []string{"172.31.0.0/20", "172.31.16.0/20", "172.31.32.0/20"}[i], Free: 4091, Zone: s.opt.Region + zone,
			DefaultForZone: true, PublicIP: true})
	}
	g := group{GroupID: s.id("sg", ""), Name: "default", Description: "default VPC security group", VPCID: v.VPCID, Owner: s.opt.Account}
	g.In = []permission{{Protocol: "-1", Groups: []groupPair{{s.opt.Account, g.GroupID}}}}
	g.Out = []permission{{Protocol: "-1", Ranges: []cidrRange{{"0.0.0.0/0"}}}}
	s.groups = []group{g}
}

// id is the same in each process: a prefix and 17 hexadecimal digits.
func (s *Service) id(kind, name string) string {
	sum := sha256.Sum256([]byte(s.opt.Account + s.opt.Region + kind + name))
	return kind + "-0" + hex.EncodeToString(sum[:8])
}

// Operation names the action that r asks for; none changes anything.
func (s *Service) Operation(r *http.Request) (name string, mutating bool) {
	q, err := wire.ReadQuery(r)
	if err != nil {
		return "", false
	}
	return q.Action, false
}

// Operations are the names of EC2's operations that the service offers, sorted.
func (s *Service) Operations() []string { return slices.Sorted(maps.Keys(s.actions)) }

func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	out, err := s.answer(r)
	if err != nil {
		wire.WriteEC2Fault(w, err)
		return
	}
	document, err := xml.Marshal(out)
	if err != nil {
		wire.WriteEC2Fault(w, err)
		return
	}
	wire.WriteXML(w, http.StatusOK, document)
}

func (s *Service) answer(r *http.Request) (any, error) {
	q, err := wire.ReadQuery(r)
	if err != nil {
		return nil, err
	}
	do, ok := s.actions[q.Action]
	if !ok {
		return nil, wire.NewFault(http.StatusBadRequest, "InvalidAction", "The action %s is not valid for this web service.", q.Action)
	}
	if err := s.opt.Denied.Check(r.Context(), "UnauthorizedOperation", "ec2:"+q.Action, "*", nil); err != nil {
		return nil, err
	}
	return do(r.Context(), q)
}
