package build

import "testing"

func TestUsedModules(t *testing.T) {
	tests := []struct{ name, source, want string }{
		{"nothing", "import pandas\n# boto3 is what we had; see pandas.tests\n", "pandas.tests\n"},
		{"boto3", "import os\nimport boto3\n", "boto3\n"},
		{"in a function", "def f():\n    from botocore.config import Config\n", "botocore\n"},
		{"by name", "client = __import__('aiobotocore')\n", "aiobotocore\n"},
		{"tests of a dependency", "from sklearn.utils.tests import test_seq as t\nimport scipy.special.tests.x\n", "scipy.special.tests\nsklearn.utils.tests\n"},
		{"tests as a name", "from numpy import tests\n", "numpy.tests\n"},
		{"other words", "from . import contests\nlatests = aboto3 = 1\n", ""},
	}
	for _, tt := range tests {
		p, _ := fixture(t)
		write(t, p.Dir, map[string]string{"src/demo/nodes.py": tt.source, "src/demo/read.md": "import boto3\n"})
		got, err := usedModules(p)
		if err != nil || string(got) != tt.want {
			t.Errorf("%s: %q, %v, want %q", tt.name, got, err, tt.want)
		}
	}
}
