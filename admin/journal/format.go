package journal

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"time"

	"github.com/flagline/flagline/internal/replica"
	"github.com/flagline/flagline/internal/wire"
)

// magic opens every file.
const magic = "flagline-journal 1\n"

// maxPayload is more than the largest record can take: a size beyond it is
// damage, and nothing to allocate memory for.
const maxPayload = 4 << 20

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// A header says what a file holds.
type header struct {
	Environment wire.Environment `json:"environment"`
	Incarnation string           `json:"incarnation"`
	First       uint64           `json:"first"`
	Backup      bool             `json:"backup,omitempty"`
}

// A line is any payload but the header.
type line struct {
	Seq        uint64     `json:"seq,omitempty"`
	Key        string     `json:"key,omitempty"`
	Body       []byte     `json:"body,omitempty"`
	Change     string     `json:"change,omitempty"`
	Author     string     `json:"author,omitempty"`
	Reason     string     `json:"reason,omitempty"`
	Time       *time.Time `json:"time,omitempty"`
	Generation uint64     `json:"generation,omitempty"`
	End        *end       `json:"end,omitempty"`
}

// An end is what a backup must have come to.
type end struct {
	Records    uint64 `json:"records"`
	Generation uint64 `json:"generation"`
	Digest     string `json:"digest"`
}

func lineOf(r replica.Record) line {
	l := line{
		Seq: r.Seq, Key: r.Key, Body: r.Body, Change: r.Change, Author: r.Author, Reason: r.Reason,
		Generation: r.Generation,
	}
	if !r.Time.IsZero() {
		l.Time = &r.Time
	}
	return l
}

func (l line) record() replica.Record {
	r := replica.Record{
		Seq: l.Seq, Key: l.Key, Body: l.Body, Change: l.Change, Author: l.Author, Reason: l.Reason,
		Generation: l.Generation,
	}
	if len(r.Body) == 0 {
		r.Body = nil
	}
	if l.Time != nil {
		r.Time = *l.Time
	}
	return r
}

// appendEntry adds v to buf as an entry.
func appendEntry(buf []byte, v any) ([]byte, error) {
	payload, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	if len(payload) > maxPayload {
		return nil, fmt.Errorf("an entry of %d bytes is more than the %d that one may have", len(payload), maxPayload)
	}
	size := binary.BigEndian.AppendUint32(nil, uint32(len(payload)))
	buf = append(buf, size...)
	buf = binary.BigEndian.AppendUint32(buf, checksum(size, payload))
	return append(buf, payload...), nil
}

func checksum(size, payload []byte) uint32 {
	return crc32.Update(crc32.Checksum(size, castagnoli), castagnoli, payload)
}

// errTorn says that a file ends within an entry.
var errTorn = errors.New("the file ends within an entry")

// A decoder reads the entries of a file. It never reads more into memory than
// the file has.
type decoder struct {
	r      *bufio.Reader
	offset int64 // of the next entry
}

// newDecoder checks how the file begins.
func newDecoder(r io.Reader) (*decoder, header, error) {
	d := &decoder{r: bufio.NewReaderSize(r, 1<<16)}
	begin := make([]byte, len(magic))
	if _, err := io.ReadFull(d.r, begin); err != nil {
		return d, header{}, torn(err)
	}
	if string(begin) != magic {
		return d, header{}, errors.New("this is no journal and no backup of one, or one of another version")
	}
	d.offset = int64(len(magic))
	var h header
	if err := d.next(&h); err != nil {
		if errors.Is(err, io.EOF) {
			err = errTorn
		}
		return d, header{}, err
	}
	if _, err := wire.ParseEnvironment(string(h.Environment)); err != nil {
		return d, header{}, err
	}
	if h.First == 0 || !directoryName(h.Incarnation) {
		return d, header{}, fmt.Errorf("a header of incarnation %q from sequence %d", h.Incarnation, h.First)
	}
	return d, h, nil
}

// next decodes the next entry into v. The error is io.EOF after the last one,
// and errTorn if the file ends within it.
func (d *decoder) next(v any) error {
	var fixed [8]byte
	if n, err := io.ReadFull(d.r, fixed[:]); err != nil {
		if n == 0 && errors.Is(err, io.EOF) {
			return io.EOF
		}
		return torn(err)
	}
	size := binary.BigEndian.Uint32(fixed[:4])
	if size > maxPayload {
		return fmt.Errorf("an entry says that it has %d bytes, and %d is the most", size, maxPayload)
	}
	payload, err := io.ReadAll(io.LimitReader(d.r, int64(size)))
	if err != nil {
		return err
	}
	if len(payload) < int(size) {
		return errTorn
	}
	if checksum(fixed[:4], payload) != binary.BigEndian.Uint32(fixed[4:]) {
		return errors.New("the checksum of an entry is wrong")
	}
	if err := json.Unmarshal(payload, v); err != nil {
		return err
	}
	d.offset += int64(len(fixed)) + int64(size)
	return nil
}

func torn(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errTorn
	}
	return err
}

// directoryName says whether an incarnation can name a directory. Ours can;
// whoever may write to the log may have written another.
func directoryName(incarnation string) bool {
	for i := range len(incarnation) {
		if c := incarnation[i]; (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return incarnation != "" && len(incarnation) <= 64
}
