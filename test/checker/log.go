package checker

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
)

// A message is one of the log.
type message struct {
	seq        uint64
	key        string
	body       []byte // nil if it removes the record
	change     string
	author     string
	reason     string
	generation string
}

// readLog reads the whole log of an environment.
func readLog(ctx context.Context, nc *nats.Conn, environment string) ([]message, error) {
	var log []message
	for {
		answers, more, err := ask(ctx, nc, environment, len(log)+1)
		if err != nil {
			return nil, fmt.Errorf("read the log from sequence %d on: %w", len(log)+1, err)
		}
		for _, a := range answers {
			m, err := parseMessage(environment, a)
			if err != nil {
				return nil, err
			}
			if m.seq != uint64(len(log)+1) {
				return nil, fmt.Errorf("message %d follows %d: something is missing", m.seq, len(log))
			}
			log = append(log, m)
		}
		if !more {
			return log, nil
		}
	}
}

// ask asks for messages from a sequence on.
func ask(ctx context.Context, nc *nats.Conn, environment string, from int) (answers []*nats.Msg, more bool, err error) {
	inbox := nc.NewRespInbox()
	sub, err := nc.SubscribeSync(inbox)
	if err != nil {
		return nil, false, err
	}
	defer sub.Unsubscribe()
	request := fmt.Sprintf(`{"seq":%d,"next_by_subj":"$KV.flags-%s.>","batch":500}`, from, environment)
	if err := nc.PublishRequest("flagline."+environment+".get.log", inbox, []byte(request)); err != nil {
		return nil, false, err
	}
	for {
		msg, err := sub.NextMsgWithContext(ctx)
		if err != nil {
			return nil, false, err
		}
		switch status := msg.Header.Get("Status"); status {
		case "":
			answers = append(answers, msg)
		case "204":
			pending, err := strconv.Atoi(msg.Header.Get("Nats-Num-Pending"))
			return answers, pending > 0 && len(answers) > 0, err
		case "404":
			return answers, false, nil
		default:
			return nil, false, errors.New("answer with status " + status)
		}
	}
}

func parseMessage(environment string, msg *nats.Msg) (message, error) {
	seq, err := strconv.ParseUint(msg.Header.Get("Nats-Sequence"), 10, 64)
	if err != nil {
		return message{}, fmt.Errorf("a message without a sequence: %w", err)
	}
	if stream := msg.Header.Get("Nats-Stream"); stream != "KV_flags-"+environment {
		return message{}, fmt.Errorf("message %d is of stream %q", seq, stream)
	}
	key, ok := strings.CutPrefix(msg.Header.Get("Nats-Subject"), "$KV.flags-"+environment+".")
	if !ok {
		return message{}, fmt.Errorf("message %d has the subject %q", seq, msg.Header.Get("Nats-Subject"))
	}
	m := message{
		seq: seq, key: key, body: msg.Data,
		change:     msg.Header.Get("Flagline-Change"),
		author:     decodeText(msg.Header.Get("Flagline-Author")),
		reason:     decodeText(msg.Header.Get("Flagline-Reason")),
		generation: msg.Header.Get("Flagline-Generation"),
	}
	if len(m.body) == 0 || msg.Header.Get("KV-Operation") != "" {
		m.body = nil
	}
	return m, nil
}

// decodeText decodes what an author wrote: %HH is a byte.
func decodeText(s string) string {
	text := ""
	for s != "" {
		if b, ok := hexByte(s, '%'); ok {
			text, s = text+string([]byte{b}), s[3:]
		} else {
			text, s = text+s[:1], s[1:]
		}
	}
	return text
}

// hexByte reads a sign and two upper-case hexadecimal digits.
func hexByte(s string, sign byte) (byte, bool) {
	if len(s) < 3 || s[0] != sign || strings.ToUpper(s[1:3]) != s[1:3] {
		return 0, false
	}
	b, err := strconv.ParseUint(s[1:3], 16, 8)
	return byte(b), err == nil
}

// parseKey says which record a key means: a flag of a set, or, if flag is "",
// the settings of the set. ok is false for a key of nobody's.
func parseKey(key string) (set, flag string, ok bool) {
	tokens := strings.Split(key, ".")
	switch {
	case len(tokens) == 3 && tokens[0] == "flag":
		if flag, ok = parseName(tokens[2]); !ok || flag == "" {
			return "", "", false
		}
	case len(tokens) == 2 && tokens[0] == "set":
	default:
		return "", "", false
	}
	if tokens[1] == "=" {
		return "", flag, true
	}
	set, ok = parseName(tokens[1])
	return set, flag, ok && set != ""
}

// parseName decodes a token of a key. A byte that needs no =HH must not have it.
func parseName(token string) (name string, ok bool) {
	const plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
	for token != "" {
		if strings.Contains(plain, token[:1]) {
			name, token = name+token[:1], token[1:]
			continue
		}
		b, ok := hexByte(token, '=')
		if !ok || strings.Contains(plain, string(rune(b))) {
			return "", false
		}
		name, token = name+string([]byte{b}), token[3:]
	}
	return name, true
}
