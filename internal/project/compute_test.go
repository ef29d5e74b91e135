package project

import (
	"strings"
	"testing"
)

func TestFargateSize(t *testing.T) {
	type size struct {
		vcpus  float64
		memory int
		ok     bool
	}
	for _, test := range []struct {
		vcpus  float64
		memory int
		want   size
	}{
		{0.25, 512, size{0.25, 512, true}},
		{0.25, 1536, size{0.25, 2048, true}},
		{0.1, 1, size{0.25, 512, true}},
		{0.25, 2049, size{0.5, 3072, true}},
		{1, 4000, size{1, 4096, true}},
		{2, 2048, size{2, 4096, true}},
		{2, 16384, size{2, 16384, true}},
		{2, 16385, size{4, 17408, true}},
		{3, 8192, size{4, 8192, true}},
		{4, 30721, size{8, 32768, true}},
		{8, 61441, size{16, 65536, true}},
		{16, 122880, size{16, 122880, true}},
		{16, 122881, size{16, 122880, false}},
		{17, 512, size{16, 122880, false}},
	} {
		vcpus, memory, ok := FargateSize(test.vcpus, test.memory)
		if got := (size{vcpus, memory, ok}); got != test.want {
			t.Errorf("%v vCPUs, %d MiB: %+v, want %+v", test.vcpus, test.memory, got, test.want)
		}
	}
}

func TestWhatAKindHas(t *testing.T) {
	for name, test := range map[string]struct {
		kind, settings string
		want           string // the error, none where it is empty
	}{
		"size":               {Fargate, "[tool.kedroctl.job]\nvcpus = 0.25\nmemory = 512", ""},
		"largest size":       {FargateSpot, "[tool.kedroctl.job]\nvcpus = 16\nmemory = 122880", ""},
		"no such memory":     {Fargate, "[tool.kedroctl.job]\nvcpus = 1\nmemory = 4000", "job.memory: FARGATE has no size of 1 vCPU and 4000 MiB: the next larger one has 1 vCPU and 4096 MiB"},
		"no such vCPUs":      {FargateSpot, "[tool.kedroctl.job]\nvcpus = 3\nmemory = 8192", "job.vcpus: FARGATE_SPOT has no size of 3 vCPUs and 8192 MiB: the next larger one has 4 vCPUs and 8192 MiB"},
		"more than any":      {Fargate, "[tool.kedroctl.job.groups.big]\nvcpus = 16\nmemory = 200000", "job.groups.big.memory: FARGATE has no size of 16 vCPUs and 200000 MiB: the largest one has 16 vCPUs and 122880 MiB"},
		"of a group alone":   {Fargate, "[tool.kedroctl.job.groups.big]\nmemory = 30720", "job.groups.big.vcpus: FARGATE has no size of 2 vCPUs and 30720 MiB: the next larger one has 4 vCPUs and 30720 MiB"},
		"GPUs":               {Fargate, "[tool.kedroctl.job.groups.big]\ngpus = 1", "job.groups.big.gpus: FARGATE has no GPUs"},
		"shared memory":      {FargateSpot, "[tool.kedroctl.job]\nshared_memory = 64", "job.shared_memory: FARGATE_SPOT has no setting for shared memory"},
		"instance types":     {Fargate, "[tool.kedroctl.compute]\ninstance_types = [\"m7i\"]", "compute.instance_types: FARGATE has no instances"},
		"instance profile":   {Fargate, "[tool.kedroctl.aws]\ninstance_profile = \"x\"", "aws.instance_profile: FARGATE has no instances"},
		"security groups":    {Fargate, "[tool.kedroctl.aws]\nsecurity_groups = [\"1\", \"2\", \"3\", \"4\", \"5\", \"6\"]", "aws.security_groups: FARGATE takes up to 5"},
		"disk":               {Fargate, "[tool.kedroctl.job.groups.\"tr*\"]\nephemeral_storage = 200", ""},
		"too little disk":    {Fargate, "[tool.kedroctl.job]\nephemeral_storage = 20", "job.ephemeral_storage: must be 21 to 200 (GiB)"},
		"too much disk":      {Fargate, "[tool.kedroctl.job.groups.\"tr*\"]\nephemeral_storage = 201", "job.groups.tr*.ephemeral_storage: must be 21 to 200 (GiB)"},
		"disk of instances":  {Spot, "[tool.kedroctl.job]\nephemeral_storage = 50", "job.ephemeral_storage: is for Fargate"},
		"disk size":          {Spot, "[tool.kedroctl.compute]\ndisk_size = 30", ""},
		"largest disk":       {EC2, "[tool.kedroctl.compute]\ndisk_size = 65536", ""},
		"disk below the AMI": {Spot, "[tool.kedroctl.compute]\ndisk_size = 29", "compute.disk_size: must be 30 to 65536 (GiB)"},
		"disk beyond gp3":    {EC2, "[tool.kedroctl.compute]\ndisk_size = 65537", "compute.disk_size: must be 30 to 65536 (GiB)"},
		"disk on Fargate":    {FargateSpot, "[tool.kedroctl.compute]\ndisk_size = 50", "compute.disk_size: FARGATE_SPOT has no instances: the disk of a job is its ephemeral_storage"},
		"disk, queue":        {EC2, "[tool.kedroctl.compute]\ndisk_size = 50\nqueue = \"q\"", "compute.disk_size: is for instances of kedroctl's own, and compute.queue"},
		"disk, environment":  {EC2, "[tool.kedroctl.compute]\ndisk_size = 50\nenvironment = \"e\"", "compute.disk_size: is for instances of kedroctl's own, and compute.environment"},
		"parts of a vCPU":    {Spot, "[tool.kedroctl.job]\nvcpus = 0.5", "job.vcpus: must be a whole number of at least 1 on EC2"},
		"no GPUs there":      {EC2, "[tool.kedroctl.compute]\ninstance_types = [\"m7i\", \"g4ad\"]\n[tool.kedroctl.job.groups.fit]\ngpus = 1", "job.groups.fit.gpus: none of compute.instance_types has GPUs"},
		"GPUs elsewhere":     {EC2, "[tool.kedroctl.job.groups.fit]\ngpus = 1\nqueue = \"gpus\"", ""},
		"architectures":      {Spot, "[tool.kedroctl.compute]\ninstance_types = [\"m7g\", \"m7i\"]", "compute.instance_types: m7g is arm64 and m7i is x86-64"},
		"another image":      {EC2, "[tool.kedroctl.image]\nplatform = \"linux/amd64\"\n[tool.kedroctl.compute]\ninstance_types = [\"m7g\"]", "image.platform: an image for linux/amd64 does not run on m7g"},
		"image for ARM":      {EC2, "[tool.kedroctl.image]\nplatform = \"linux/arm64\"\n[tool.kedroctl.compute]\ninstance_types = [\"g4dn.xlarge\"]", "image.platform: an image for linux/arm64 does not run on g4dn.xlarge"},
		"strategy":           {Spot, "[tool.kedroctl.compute]\nallocation_strategy = \"SPOT_CAPACITY_OPTIMIZED\"", ""},
		"no strategy":        {Fargate, "[tool.kedroctl.compute]\nallocation_strategy = \"BEST_FIT_PROGRESSIVE\"", "compute.allocation_strategy: FARGATE has no instances"},
		"strategy of spot":   {EC2, "[tool.kedroctl.compute]\nallocation_strategy = \"SPOT_CAPACITY_OPTIMIZED\"", "compute.allocation_strategy: is for SPOT"},
		"best fit":           {Spot, "[tool.kedroctl.compute]\nallocation_strategy = \"BEST_FIT\"", "compute.allocation_strategy: with BEST_FIT"},
		"environment, queue": {EC2, "[tool.kedroctl.compute]\nenvironment = \"e\"\nqueue = \"q\"", "compute.environment: is for a queue of kedroctl's own"},
		"environment, types": {EC2, "[tool.kedroctl.compute]\nenvironment = \"e\"\ninstance_types = [\"m7i\"]", "compute.instance_types: are those of compute.environment"},
		"environment":        {EC2, "[tool.kedroctl.compute]\nenvironment = \"e/f\"", "compute.environment: \"e/f\" is neither"},
		"log group":          {EC2, "[tool.kedroctl.aws]\nlog_group = \"a b\"", "aws.log_group: \"a b\" is neither"},
		"prefix":             {EC2, "[tool.kedroctl.aws]\nprefix = \"Acme-\"", "aws.prefix: \"Acme-\" cannot begin all names"},
		"VPC":                {EC2, "[tool.kedroctl.aws]\nvpc = \"main\"", "aws.vpc: \"main\" is not the id of a VPC"},
		"spot has all of it": {Spot, "[tool.kedroctl.compute]\ninstance_types = [\"m7i\", \"g5\"]\n[tool.kedroctl.job]\ngpus = 1\nshared_memory = 64\nmemory = 4000", ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Load(newProject(t, kedroTable+test.settings+"\n"), LoadOptions{Set: map[string]string{"compute.type": test.kind}})
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}

func TestMemoryMaxIsWithinFargate(t *testing.T) {
	for name, test := range map[string]struct {
		settings string
		want     int
	}{
		"default":                 {"[tool.kedroctl.compute]\ntype = 'FARGATE'", 32768},
		"more than there is":      {"[tool.kedroctl.compute]\ntype = 'FARGATE'\n[tool.kedroctl.job]\nmemory_max = 500000", 122880},
		"within the environment":  {"[tool.kedroctl.compute]\ntype = 'FARGATE'\nmax_vcpus = 7", 30720},
		"a queue of others":       {"[tool.kedroctl.compute]\ntype = 'FARGATE'\nmax_vcpus = 2\nqueue = 'q'\n[tool.kedroctl.job]\nmemory_max = 500000", 122880},
		"between two sizes":       {"[tool.kedroctl.compute]\ntype = 'FARGATE'\n[tool.kedroctl.job]\nmemory_max = 20000", 19456},
		"less than any":           {"[tool.kedroctl.compute]\ntype = 'FARGATE'\n[tool.kedroctl.job]\nmemory_max = 100", 100},
		"on instances no ceiling": {"[tool.kedroctl.job]\nmemory_max = 500000", 500000},
	} {
		p := mustLoad(t, newProject(t, kedroTable+test.settings+"\n"), LoadOptions{})
		if got := p.Settings.Group("train").MemoryMax; got != test.want {
			t.Errorf("%s: %d, want %d", name, got, test.want)
		}
	}
}

// TestInstancesDecideAboutTheImage unless the settings do.
func TestInstancesDecideAboutTheImage(t *testing.T) {
	for types, want := range map[string]string{
		`"m7g", "c7gn.large", "g5g"`: ARM64, `"a1"`: ARM64, `"default_arm64"`: ARM64, `"m7i", "g5.xlarge", "x2iedn"`: AMD64, `"optimal"`: AMD64, "": AMD64,
	} {
		p := mustLoad(t, newProject(t, kedroTable+"[tool.kedroctl.compute]\ninstance_types = ["+types+"]\n"), LoadOptions{})
		if got := p.Settings.Image.Platform; got != want {
			t.Errorf("%s: %s, want %s", types, got, want)
		}
	}
}

func TestAPrefixBeginsNames(t *testing.T) {
	p := mustLoad(t, newProject(t, kedroTable+"[tool.kedroctl.aws]\nprefix = \"acme-\"\n"), LoadOptions{})
	bucket, err := NewBucketName(p, strings.NewReader("abcd"))
	if err != nil || !strings.HasPrefix(bucket, "acme-kedro-") || !strings.HasPrefix(p.Settings.Image.Repository, "acme-") {
		t.Errorf("bucket %q, %v; repository %q", bucket, err, p.Settings.Image.Repository)
	}
}
