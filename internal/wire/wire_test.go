package wire_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/flagline/flagline/internal/wire"
)

func TestKeysAreSpeltInOneWay(t *testing.T) {
	for k, want := range map[wire.Key]string{
		{Flag: "new-checkout"}:         "flag.=.new-checkout",
		{Set: "web", Flag: "a_B9-"}:    "flag.web.a_B9-",
		{Set: "web"}:                   "set.web",
		{}:                             "set.=",
		{Set: "=", Flag: "é/.* >"}:     "flag.=3D.=C3=A9=2F=2E=2A=20=3E",
		{Set: "a.b", Flag: "\x00\xff"}: "flag.a=2Eb.=00=FF",
	} {
		if got := k.String(); got != want {
			t.Errorf("%+v is spelt %q, want %q", k, got, want)
		}
		if got, err := wire.ParseKey(want); err != nil || got != k {
			t.Errorf("ParseKey(%q) = %+v, %v; want %+v", want, got, err, k)
		}
	}
}

func TestOtherSpellingsOfKeysAreRefused(t *testing.T) {
	for _, s := range []string{
		"", "head", "flag", "flag.", "flag.=", "flag.=.", "flag..a", "flag.web.a.b", "set", "set.", "set.a.b",
		"flag.=.=41",  // A needs no escape
		"flag.=.=2f",  // lower case
		"flag.=.=2",   // cut off
		"flag.=.a/b",  // not escaped
		"flag.=.a=.b", // two tokens
		"flag.=.é", "FLAG.=.a", "flag.=3D=.a",
	} {
		if k, err := wire.ParseKey(s); err == nil {
			t.Errorf("ParseKey(%q) = %+v, want an error", s, k)
		}
	}
}

func FuzzKeysRoundTrip(f *testing.F) {
	f.Add("", "new-checkout")
	f.Add("größe", "=2F")
	f.Fuzz(func(t *testing.T, set, flag string) {
		k := wire.Key{Set: set, Flag: flag}
		if len(k.String()) > wire.MaxKey {
			if _, err := wire.ParseKey(k.String()); err == nil {
				t.Errorf("a key of %d bytes is taken", len(k.String()))
			}
			return
		}
		got, err := wire.ParseKey(k.String())
		if err != nil || got != k {
			t.Errorf("%+v became %+v, %v", k, got, err)
		}
		if strings.ContainsAny(k.String(), " *>\r\n\t") {
			t.Errorf("%q is not a subject", k.String())
		}
	})
}

func TestTextSurvivesAHeader(t *testing.T) {
	for s, want := range map[string]string{
		"":                       "",
		"Black Friday, 20 % off": "Black Friday, 20 %25 off",
		" two\r\nlines\t":        "%20two%0D%0Alines%09",
		"größer":                 "gr%C3%B6%C3%9Fer",
	} {
		got := wire.EncodeText(s)
		if got != want {
			t.Errorf("EncodeText(%q) = %q, want %q", s, got, want)
		}
		if back := wire.DecodeText(got); back != s {
			t.Errorf("DecodeText(%q) = %q, want %q", got, back, s)
		}
	}
	if got := wire.DecodeText("50% and 5%"); got != "50% and 5%" {
		t.Errorf("what was never encoded came back as %q", got)
	}
}

func TestEnvironmentsHaveSimpleNames(t *testing.T) {
	for _, name := range []string{"prod", "a", "eu-1", strings.Repeat("x", 32)} {
		env, err := wire.ParseEnvironment(name)
		if err != nil {
			t.Errorf("ParseEnvironment(%q): %v", name, err)
		}
		if back, ok := wire.EnvironmentOf(env.Stream()); !ok || back != env {
			t.Errorf("EnvironmentOf(%q) = %q, %v", env.Stream(), back, ok)
		}
	}
	for _, name := range []string{"", "Prod", "a.b", "a b", "a*", strings.Repeat("x", 33), "prod\n"} {
		if _, err := wire.ParseEnvironment(name); err == nil {
			t.Errorf("ParseEnvironment(%q) is not refused", name)
		}
	}
}

func TestHeadThatIsNotOneIsRefused(t *testing.T) {
	good := wire.Head{Incarnation: "i", Epoch: 1, Generation: 2, Change: "c", Part: 1, Digest: strings.Repeat("0", 64)}
	body, err := good.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := wire.ParseHead(body); err != nil || !reflect.DeepEqual(got, good) {
		t.Errorf("ParseHead(%s) = %+v, %v", body, got, err)
	}
	for _, s := range []string{
		"", "{}", "[]", "null", `{"generation":1}`, strings.Replace(string(body), `"part":1`, `"part":0`, 1),
		strings.Replace(string(body), good.Digest, "0", 1),
	} {
		if h, err := wire.ParseHead([]byte(s)); err == nil {
			t.Errorf("ParseHead(%s) = %+v, want an error", s, h)
		}
	}
}
