package wire_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/kedroctl/kedroctl/internal/local/wire"
)

func TestDocumentsBecomeInputs(t *testing.T) {
	var in types.BucketLifecycleConfiguration
	err := wire.DecodeXML(strings.NewReader(`<?xml version="1.0"?><LifecycleConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
		<Rule><ID>a</ID><Status>Enabled</Status><Filter><And><Prefix>x/</Prefix><Tag><Key>k</Key><Value>v</Value></Tag></And></Filter><Expiration><Days>3</Days></Expiration></Rule>
		<Rule><Status>Disabled</Status><Filter/><Expiration><Date>2030-01-01T00:00:00Z</Date></Expiration></Rule></LifecycleConfiguration>`), "LifecycleConfiguration", &in)
	if err != nil {
		t.Fatal(err)
	}
	if and := in.Rules[0].Filter.And; *and.Prefix != "x/" || *and.Tags[0].Value != "v" || *in.Rules[0].Expiration.Days != 3 || in.Rules[1].Expiration.Date.Year() != 2030 {
		t.Errorf("got %+v", in)
	}
	var tags types.Tagging
	if err := wire.DecodeXML(strings.NewReader(`<Tagging><TagSet><Tag><Key>k</Key><Value>a &amp; b</Value></Tag></TagSet></Tagging>`), "Tagging", &tags); err != nil || *tags.TagSet[0].Value != "a & b" {
		t.Errorf("got %+v, %v", tags, err)
	}
}

func TestDocumentsThatAreRefused(t *testing.T) {
	tests := map[string]struct{ document, want string }{
		"nothing":               {``, "EOF"},
		"another root":          {`<Lifecycle/>`, "The root is Lifecycle, not"},
		"an unknown element":    {`<LifecycleConfiguration><Rule><Statuz>Enabled</Statuz></Rule></LifecycleConfiguration>`, "LifecycleConfiguration.Rule.Statuz is not recognized"},
		"text among elements":   {`<LifecycleConfiguration>text</LifecycleConfiguration>`, `must be a structure, not "text"`},
		"an element for a text": {`<LifecycleConfiguration><Rule><ID><x/></ID></Rule></LifecycleConfiguration>`, "Rule.ID must be a plain value"},
		"no number":             {`<LifecycleConfiguration><Rule><Expiration><Days>few</Days></Expiration></Rule></LifecycleConfiguration>`, "Days must be of the type int32, not few"},
		"no date":               {`<LifecycleConfiguration><Rule><Expiration><Date>soon</Date></Expiration></Rule></LifecycleConfiguration>`, `Date must be of the type Time, not "soon"`},
		"outside of an enum":    {`<LifecycleConfiguration><Rule><Status>On</Status></Rule></LifecycleConfiguration>`, `"On" is not one of`},
		"an end that is absent": {`<LifecycleConfiguration><Rule>`, "EOF"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			err := wire.DecodeXML(strings.NewReader(tt.document), "LifecycleConfiguration", new(types.BucketLifecycleConfiguration))
			if err == nil || wire.AsFault(err).Code != "MalformedXML" || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want MalformedXML with %q", err, tt.want)
			}
		})
	}
}

func TestTagsThatAreRefused(t *testing.T) {
	tests := []struct{ key, value, want string }{
		{"kedroctl:project", "", ""},
		{strings.Repeat("ü", 128), strings.Repeat("v", 256), ""},
		{"", "v", "empty"},
		{strings.Repeat("k", 129), "v", "128"},
		{"k", strings.Repeat("v", 257), "256"},
		{"AWS:x", "v", "reserved"},
	}
	for _, tt := range tests {
		err := wire.Tags{tt.key: tt.value}.Check("InvalidTag", nil)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%.20s: got %v, want %q", tt.key, err, tt.want)
		}
	}
}
