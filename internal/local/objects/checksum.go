package objects

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"net/http"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

const checksumHeader = "X-Amz-Checksum-"

// Kinds of checksums of multipart objects: over the whole object, or over the checksums of its parts.
const (
	fullObject = string(types.ChecksumTypeFullObject)
	composite  = string(types.ChecksumTypeComposite)
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// nvme is the polynomial of CRC-64/NVME, bits reversed as package crc64 wants it.
var nvme = crc64.MakeTable(0x9a6c9329ac4bc9b5)

// defaultAlgorithm is what S3 computes where the client names none.
const defaultAlgorithm = "CRC64NVME"

var algorithms = map[string]func() hash.Hash{
	"CRC32":          func() hash.Hash { return crc32.NewIEEE() },
	"CRC32C":         func() hash.Hash { return crc32.New(castagnoli) },
	defaultAlgorithm: func() hash.Hash { return crc64.New(nvme) },
	"SHA1":           sha1.New,
	"SHA256":         sha256.New,
}

// checksum is one of an object or a part; the value is base64, with "-N" after it for a composite of N parts.
type checksum struct {
	Algorithm string
	Value     string
	Type      string
}

// setHeaders tells the checksum to the client.
func (c checksum) setHeaders(h http.Header) {
	if c.Value == "" {
		return
	}
	h.Set(checksumHeader+c.Algorithm, c.Value)
	h.Set(checksumHeader+"Type", c.Type)
}

// compose is the checksum of a multipart object from those of its parts.
func compose(algorithm string, parts []part) (checksum, error) {
	sum := algorithms[algorithm]()
	for _, p := range parts {
		raw, err := base64.StdEncoding.DecodeString(p.Checksum)
		if err != nil {
			return checksum{}, err
		}
		sum.Write(raw)
	}
	value := base64.StdEncoding.EncodeToString(sum.Sum(nil)) + "-" + strconv.Itoa(len(parts))
	return checksum{algorithm, value, composite}, nil
}

// checksumType is that of a multipart upload.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
func checksumType(algorithm, asked string) (string, error) {
	switch asked = strings.ToUpper(asked); {
	case asked == "" && algorithm == defaultAlgorithm:
		return fullObject, nil
	case asked == "":
		return composite, nil
	case asked == composite && algorithm == defaultAlgorithm, asked == fullObject && strings.HasPrefix(algorithm, "SHA"):
		return "", invalidRequest("The %s checksum type cannot be used with the %s checksum algorithm.", asked, strings.ToLower(algorithm))
	case asked != composite && asked != fullObject:
		return "", invalidRequest("Value for x-amz-checksum-type header is invalid.")
	}
	return asked, nil
}

// declared is the checksum that the headers promise: its algorithm ("" for none) and value ("" where it comes as a trailer).
func declared(h http.Header) (algorithm, value string, err error) {
	found := 0
	for name := range algorithms {
		if v := h.Get(checksumHeader + name); v != "" {
			algorithm, value = name, v
			found++
		}
	}
	if trailer := h.Get("X-Amz-Trailer"); trailer != "" {
		algorithm, value = strings.ToUpper(strings.TrimPrefix(strings.ToLower(trailer), strings.ToLower(checksumHeader))), ""
		found++
	}
	sdk := strings.ToUpper(h.Get("X-Amz-Sdk-Checksum-Algorithm"))
	switch {
	case found > 1:
		return "", "", invalidRequest("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
	case found == 1 && algorithms[algorithm] == nil:
		return "", "", invalidRequest("The value specified in the x-amz-trailer header is not supported")
	case found == 0 && sdk != "":
		return "", "", invalidRequest("x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.")
	case found == 1 && sdk != "" && sdk != algorithm:
		return "", "", invalidRequest("Value for x-amz-sdk-checksum-algorithm header is invalid.")
	}
	return algorithm, value, nil
}
