package build

import (
	"fmt"
	"regexp"
	"strings"
)

// missingLibrary is what the dynamic linker says, as Python passes it on.
var missingLibrary = regexp.MustCompile(`\b(lib[A-Za-z0-9_.+-]+?)\.so((?:\.\d+)*): cannot open shared object file`)

// libraryPackages are Debian packages whose name does not follow from their library's, by the library without its version.
var libraryPackages = map[string]string{
	"libglib-2.0": "libglib2.0-0", "libgthread-2.0": "libglib2.0-0", "libgobject-2.0": "libglib2.0-0", "libgio-2.0": "libglib2.0-0",
	"libgdk_pixbuf-2.0": "libgdk-pixbuf-2.0-0", "libxml2": "libxml2", "libjpeg": "libjpeg62-turbo", "libgeos_c": "libgeos-c1v5", "libOpenCL": "ocl-icd-libopencl1",
	"libtiff": "libtiff6", "libffi": "libffi8", "libssl": "libssl3", "libcrypto": "libssl3", "libnss3": "libnss3", "libnspr4": "libnspr4", "libsqlite3": "libsqlite3-0",
	"libz": "zlib1g", "libbz2": "libbz2-1.0", "libodbcinst": "odbcinst", "libGLU": "libglu1-mesa", "libgs": "libgs10", "libhdf5_serial": "libhdf5-103-1",
	"libblas": "libblas3", "liblapack": "liblapack3", "libcblas": "libatlas3-base", "libmagic": "libmagic1", "libstdc++": "libstdc++6", "libgcc_s": "libgcc-s1",
}

// libraryHint names the Debian package that has a library which an output misses, "" where it misses none. The rule of the others:
// https://www.debian.org/doc/debian-policy/ch-sharedlibs.html#run-time-shared-libraries
func libraryHint(output string) string {
	m := missingLibrary.FindStringSubmatch(output)
	if m == nil {
		return ""
	}
	name, major := m[1], strings.TrimPrefix(m[2], ".")
	major, _, _ = strings.Cut(major, ".")
	pack, known := libraryPackages[name]
	if !known {
		pack = strings.ReplaceAll(strings.ToLower(name), "_", "-")
		if last := pack[len(pack)-1]; last >= '0' && last <= '9' && major != "" {
			pack += "-"
		}
		pack += major
	}
	return fmt.Sprintf("add %q, the Debian package that has %s.so%s, to system_packages: [tool.kedroctl.image] system_packages = [%[1]q]", pack, name, m[2])
}
