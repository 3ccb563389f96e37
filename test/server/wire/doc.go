// Package wire asks servers from raw connections, and times what comes back. It
// is the only client of the comparison, whoever is asked, and does so little
// for a request that the server does more: requests are bytes that were put
// together before, answers are read no further than to where they end.
package wire
