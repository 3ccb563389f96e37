package workload

import (
	"fmt"
	"math/rand/v2"
)

// A Subject is whom flags are evaluated for.
type Subject struct {
	TargetingKey string
	Email        string
	Country      string
	Plan         string
	Version      string
}

// The numbers of attributes that a subject may be described with.
const (
	Few  = 5
	Many = 30
)

// countries is how many there are.
const countries = 100

// country is the code of the nth country.
func country(n int) string { return fmt.Sprintf("c%02d", n%countries) }

// home is the country that the flag n favours. Half of all subjects live in
// one that some flag favours.
func home(n int) string { return country(n % homes) }

const homes = 20

// home100 is the number of the country that the last rule of chain100 names.
func home100(n int) int { return 99 + n }

// domainOf is what addresses end with that the flag n favours.
func domainOf(n int) string {
	if n%domains == 0 {
		return domain
	}
	return fmt.Sprintf("@d%d.example.com", n%domains)
}

const domains = 10

// Hit is the subject whom f has to think about for longest: its last rule is
// the one that matches.
func Hit(f Flag, n int) Subject {
	s := Subject{
		TargetingKey: "user-1234567",
		Email:        "ada.lovelace" + domainOf(n),
		Country:      home(n),
		Plan:         paying,
		Version:      release,
	}
	if f.Kind == Chain100 {
		s.Country = country(home100(n))
	}
	return s
}

// NewSubject is the nth of a crowd in which every rule finds somebody.
func NewSubject(n int) Subject {
	random := rand.New(rand.NewPCG(7, uint64(n)))
	s := Subject{
		TargetingKey: fmt.Sprintf("user-%07d", n),
		Email:        fmt.Sprintf("ada.lovelace%d%s", n, domainOf(random.IntN(domains))),
		Country:      country(random.IntN(countries)),
		Plan:         []string{paying, paying, "free", "team"}[random.IntN(4)],
		Version:      fmt.Sprintf("%d.%d.%d", 1+random.IntN(4), random.IntN(10), random.IntN(20)),
	}
	if random.IntN(2) == 0 {
		s.Country = home(random.IntN(homes))
	}
	if random.IntN(3) == 0 {
		s.Version = release
	}
	if random.IntN(50) == 0 {
		s.Country = "none"
	}
	return s
}

// Attributes describes s with so many attributes, Few or Many. Beyond the
// first five they are of all types, and no flag looks at them.
func (s Subject) Attributes(n int) map[string]any {
	a := map[string]any{
		"targetingKey": s.TargetingKey,
		"email":        s.Email,
		"country":      s.Country,
		"plan":         s.Plan,
		"version":      s.Version,
	}
	for i := range n - len(a) {
		a[fmt.Sprintf("attribute%02d", i)] = filler(i)
	}
	return a
}

func filler(i int) any {
	switch i % 5 {
	case 0:
		return float64(i) * 1.5
	case 1:
		return i%2 == 1
	case 2:
		return []any{"red", "green", float64(i)}
	case 3:
		return map[string]any{"city": "Berlin", "floor": float64(i)}
	default:
		return fmt.Sprintf("some text, number %d", i)
	}
}
