package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	_ "modernc.org/sqlite" // the driver, in Go alone
)

// Why the book refuses something; nothing has been written then.
var (
	errUnknown    = errors.New("not in the book")
	errNotEnough  = errors.New("not enough money")
	errOutOfPlace = errors.New("out of place")
)

const schema = `
CREATE TABLE IF NOT EXISTS players (id TEXT PRIMARY KEY, token TEXT NOT NULL UNIQUE, currency TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS tickets (
	operator TEXT, id TEXT, state TEXT NOT NULL, player TEXT, price INTEGER, net_payout INTEGER, paid_out INTEGER,
	PRIMARY KEY (operator, id)
);
CREATE TABLE IF NOT EXISTS entries (player TEXT NOT NULL, amount INTEGER NOT NULL, key TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS done (key TEXT PRIMARY KEY);
`

// book keeps players, their tickets, and every movement of their money, in cents. A balance is the sum of the movements.
type book struct{ db *sql.DB }

// player is who plays.
type player struct {
	id       string
	currency string
	balance  int64
}

// ticketKey names a ticket.
type ticketKey struct{ operator, id string }

// terms are what a ticket costs whom, and what it may pay.
type terms struct {
	player    string
	currency  string
	price     int64
	netPayout int64
}

// ticket is where a ticket is; one that was never seen has no state.
type ticket struct {
	state   string
	terms   terms
	paidOut int64
}

func openBook(file string) (*book, error) {
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=journal_mode(WAL)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1) // one transaction after the other
	if _, err := db.Exec(schema); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &book{db}, nil
}

func (b *book) Close() error { return b.db.Close() }

// openAccount adds a player with their first money, once.
func (b *book) openAccount(ctx context.Context, token, currency string, balance int64) error {
	return b.once(ctx, "opening/"+token, func(p page) error {
		id := "player-" + token
		if err := p.write("INSERT INTO players VALUES (?, ?, ?)", id, token, currency); err != nil {
			return err
		}
		return p.move(id, balance)
	})
}

func (b *book) playerOf(ctx context.Context, token string) (found player, err error) {
	err = b.db.QueryRowContext(ctx, `
		SELECT id, currency, (SELECT COALESCE(SUM(amount), 0) FROM entries WHERE player = players.id)
		FROM players WHERE token = ?`, token).Scan(&found.id, &found.currency, &found.balance)
	return found, known(err, "player")
}

// once writes a page, all of it or nothing, unless one has been written under this key.
func (b *book) once(ctx context.Context, key string, write func(page) error) error {
	transaction, err := b.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer transaction.Rollback() // does nothing after the commit
	result, err := transaction.ExecContext(ctx, "INSERT OR IGNORE INTO done VALUES (?)", key)
	if err != nil {
		return err
	}
	if written, err := result.RowsAffected(); err != nil || written == 0 {
		return err
	}
	if err := write(page{ctx, transaction, key}); err != nil {
		return err
	}
	return transaction.Commit()
}

// page is what is written under one key.
type page struct {
	ctx context.Context
	*sql.Tx
	key string
}

// take takes the price of a ticket that was not seen before; one that was reserved has been paid for.
func (p page) take(key ticketKey, state string, terms terms) error {
	seen, err := p.ticket(key)
	if err != nil {
		return err
	}
	if seen.state == "reserved" && state == "open" {
		return p.put(key, "open", seen.paidOut)
	}
	if seen.state != "" {
		return fmt.Errorf("%w: the ticket is %s", errOutOfPlace, seen.state)
	}
	var currency string
	err = p.QueryRowContext(p.ctx, "SELECT currency FROM players WHERE id = ?", terms.player).Scan(&currency)
	if err := known(err, "player"); err != nil {
		return err
	}
	if currency != terms.currency {
		return fmt.Errorf("%w: the player has %s", errOutOfPlace, currency)
	}
	var balance int64
	err = p.QueryRowContext(p.ctx, "SELECT SUM(amount) FROM entries WHERE player = ?", terms.player).Scan(&balance)
	if err != nil {
		return err
	}
	if balance < terms.price {
		return errNotEnough
	}
	err = p.write("INSERT INTO tickets VALUES (?, ?, ?, ?, ?, ?, 0)",
		key.operator, key.id, state, terms.player, terms.price, terms.netPayout)
	if err != nil {
		return err
	}
	return p.move(terms.player, -terms.price)
}

// settle moves a ticket on from one of some states, and pays the player what pays says in place of what was paid before.
func (p page) settle(key ticketKey, from []string, to string, pays func(ticket) int64) error {
	seen, err := p.known(key, from...)
	if err != nil {
		return err
	}
	amount := pays(seen)
	if err := p.put(key, to, amount); err != nil {
		return err
	}
	return p.move(seen.terms.player, amount-seen.paidOut)
}

// update gives a ticket another payout.
func (p page) update(key ticketKey, netPayout int64) error {
	if _, err := p.known(key, unsettled...); err != nil {
		return err
	}
	return p.write("UPDATE tickets SET net_payout = ? WHERE operator = ? AND id = ?", netPayout, key.operator, key.id)
}

// discard undoes a ticket, also one that is still to come.
func (p page) discard(key ticketKey) error {
	seen, err := p.ticket(key)
	switch {
	case err != nil:
		return err
	case seen.state == "":
		return p.write("INSERT INTO tickets (operator, id, state) VALUES (?, ?, 'discarded')", key.operator, key.id)
	case seen.state == "discarded":
		return nil
	}
	return p.settle(key, unsettled, "discarded", price)
}

func (p page) ticket(key ticketKey) (found ticket, err error) {
	err = p.QueryRowContext(p.ctx, `
		SELECT state, COALESCE(player, ''), COALESCE(price, 0), COALESCE(net_payout, 0), COALESCE(paid_out, 0)
		FROM tickets WHERE operator = ? AND id = ?`, key.operator, key.id,
	).Scan(&found.state, &found.terms.player, &found.terms.price, &found.terms.netPayout, &found.paidOut)
	if errors.Is(err, sql.ErrNoRows) {
		return ticket{}, nil
	}
	return found, err
}

func (p page) known(key ticketKey, states ...string) (ticket, error) {
	found, err := p.ticket(key)
	switch {
	case err != nil:
		return ticket{}, err
	case found.state == "":
		return ticket{}, fmt.Errorf("%w: no such ticket", errUnknown)
	case !slices.Contains(states, found.state):
		return ticket{}, fmt.Errorf("%w: the ticket is %s", errOutOfPlace, found.state)
	}
	return found, nil
}

func (p page) put(key ticketKey, state string, paidOut int64) error {
	return p.write("UPDATE tickets SET state = ?, paid_out = ? WHERE operator = ? AND id = ?",
		state, paidOut, key.operator, key.id)
}

func (p page) move(player string, amount int64) error {
	if amount == 0 {
		return nil
	}
	return p.write("INSERT INTO entries VALUES (?, ?, ?)", player, amount, p.key)
}

func (p page) write(statement string, values ...any) error {
	_, err := p.ExecContext(p.ctx, statement, values...)
	return err
}

func known(err error, what string) error {
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("%w: no such %s", errUnknown, what)
	}
	return err
}

// unsettled are the states of a ticket whose result is still to come.
var unsettled = []string{"reserved", "open"}

func price(t ticket) int64     { return t.terms.price }
func netPayout(t ticket) int64 { return t.terms.netPayout }
func nothing(ticket) int64     { return 0 }
func asBefore(t ticket) int64  { return t.paidOut }
