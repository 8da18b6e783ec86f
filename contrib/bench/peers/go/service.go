package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgconn"
	"github.com/jackc/pgx/v4"
	"github.com/jackc/pgx/v4/pgxpool"
)

// pgx prepares each of these once in every session.
const (
	sqlAddParticipant = `
INSERT INTO participant (name) VALUES ($1) RETURNING id`
	sqlParticipant = `
SELECT name FROM participant WHERE id = $1`
	sqlBefriend = `
INSERT INTO friendship (participant_id, friend_id)
VALUES ($1, $2), ($2, $1) ON CONFLICT DO NOTHING`
	sqlPost = `
WITH post AS (
    INSERT INTO outbound (participant_id, subject, story)
    VALUES ($1, $2, $3) RETURNING id, occurred
), delivery AS (
    INSERT INTO inbound (participant_id, outbound_id)
    SELECT friend_id, post.id FROM post, friendship
    WHERE participant_id = $1 RETURNING participant_id
)
SELECT id, occurred, array(SELECT participant_id FROM delivery) FROM post`
	sqlInbound = `
SELECT o.id, o.participant_id, o.occurred, o.subject, o.story
FROM inbound i JOIN outbound o ON o.id = i.outbound_id
WHERE i.participant_id = $1 ORDER BY i.outbound_id DESC LIMIT 50`
	sqlSearch = `
SELECT participant_id
FROM outbound, websearch_to_tsquery('simple', $1) words
WHERE document @@ words GROUP BY participant_id
ORDER BY max(ts_rank(document, words)) DESC, participant_id DESC LIMIT 50`
)

const maxBody = 128 << 10

type service struct {
	db    *pgxpool.Pool
	cache *cache
}

// A fault of the client, by its HTTP status.
type status int

func (s status) Error() string { return http.StatusText(int(s)) }

const (
	badRequest = status(http.StatusBadRequest)
	notFound   = status(http.StatusNotFound)
)

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := s.answer(w, r)
	code, kind := http.StatusOK, "application/json"
	if err != nil {
		code, kind = statusOf(err), "application/problem+json"
		body = encode(map[string]any{
			"type":   "about:blank",
			"title":  http.StatusText(code),
			"status": code,
		})
	}
	header := w.Header()
	header["Content-Type"] = []string{kind}
	header["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(code)
	w.Write(body)
}

func statusOf(err error) int {
	var fault status
	var refusal *pgconn.PgError
	switch {
	case errors.As(err, &fault):
		return int(fault)
	case errors.Is(err, pgx.ErrNoRows):
		return http.StatusNotFound
	case errors.As(err, &refusal) && refusal.Code == "23503":
		return http.StatusNotFound // foreign key: no such participant
	case errors.As(err, &refusal) && refusal.Code == "22021":
		return http.StatusBadRequest // U+0000 in a text
	}
	return http.StatusInternalServerError
}

func (s *service) answer(w http.ResponseWriter, r *http.Request) (
	[]byte, error) {
	switch r.Method {
	case http.MethodGet:
	case http.MethodPost:
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	default:
		return nil, notFound
	}
	part := strings.Split(r.URL.Path, "/")[1:]
	switch route := r.Method + " " + part[0]; {
	case len(part) == 1 && route == "GET outbound":
		return s.search(r)
	case len(part) == 1 && route == "POST participant":
		return s.addParticipant(r)
	case len(part) == 1 || len(part) > 3 || part[0] != "participant":
		return nil, notFound
	}
	id, ok := parseID(part[1])
	if !ok {
		return nil, notFound
	}
	if len(part) == 2 && r.Method == http.MethodGet {
		return s.participant(r, id)
	}
	switch r.Method + " " + strings.Join(part[2:], "/") {
	case "GET inbound":
		return s.inbound(r, id)
	case "POST outbound":
		return s.post(r, id)
	case "POST friends":
		return s.befriend(r, id)
	}
	return nil, notFound
}

type participant struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
	Link string `json:"link"`
}

func (s *service) addParticipant(r *http.Request) ([]byte, error) {
	var in struct{ Name string }
	if decode(r, &in) != nil || !fits(in.Name, 100) {
		return nil, badRequest
	}
	var id int64
	err := s.db.QueryRow(r.Context(), sqlAddParticipant, in.Name).Scan(&id)
	if err != nil {
		return nil, err
	}
	return encode(participant{id, in.Name, participantLink(id)}), nil
}

func (s *service) participant(r *http.Request, id int64) ([]byte, error) {
	var name string
	err := s.db.QueryRow(r.Context(), sqlParticipant, id).Scan(&name)
	if err != nil {
		return nil, err
	}
	return encode(participant{id, name, participantLink(id)}), nil
}

// A participant as 7, "7" or "/participant/7".
type reference int64

func (f *reference) UnmarshalJSON(text []byte) error {
	name := strings.Trim(string(text), `"`)
	id, ok := parseID(strings.TrimPrefix(name, "/participant/"))
	if !ok {
		return badRequest
	}
	*f = reference(id)
	return nil
}

type friendship struct {
	ID   int64  `json:"id"`
	From string `json:"from"`
	To   string `json:"to"`
}

func (s *service) befriend(r *http.Request, id int64) ([]byte, error) {
	var in struct{ To reference }
	err := decode(r, &in)
	to := int64(in.To)
	if err != nil || to == 0 || to == id {
		return nil, badRequest
	}
	if _, err := s.db.Exec(r.Context(), sqlBefriend, id, to); err != nil {
		return nil, err
	}
	return encode(friendship{to, participantLink(id), participantLink(to)}), nil
}

type item struct {
	ID       int64  `json:"id"`
	From     string `json:"from"`
	To       string `json:"to,omitempty"`
	Occurred string `json:"occurred"`
	Subject  string `json:"subject"`
	Story    string `json:"story"`
	Link     string `json:"link"`
}

func (s *service) post(r *http.Request, id int64) ([]byte, error) {
	var in struct{ Subject, Story string }
	if decode(r, &in) != nil || !fits(in.Subject, 200) ||
		!fits(in.Story, 20000) {
		return nil, badRequest
	}
	var number int64
	var occurred time.Time
	var readers []int64
	// Not the request's context: once the post is committed, the feeds in
	// the cache must go even if the client is gone.
	err := s.db.QueryRow(context.Background(), sqlPost, id, in.Subject,
		in.Story).Scan(&number, &occurred, &readers)
	if err != nil {
		return nil, err
	}
	keys := make([]string, len(readers))
	for i, reader := range readers {
		keys[i] = inboundKey(reader)
	}
	if err := s.cache.delete(keys); err != nil {
		return nil, err
	}
	return encode(newItem(number, id, occurred, in.Subject, in.Story)), nil
}

func (s *service) inbound(r *http.Request, id int64) ([]byte, error) {
	key := inboundKey(id)
	if page, ok := s.cache.get(key); ok {
		return page, nil
	}
	rows, err := s.db.Query(r.Context(), sqlInbound, id)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	to := participantLink(id)
	items := []item{}
	for rows.Next() {
		var number, author int64
		var occurred time.Time
		var subject, story string
		err := rows.Scan(&number, &author, &occurred, &subject, &story)
		if err != nil {
			return nil, err
		}
		entry := newItem(number, author, occurred, subject, story)
		entry.To = to
		items = append(items, entry)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	if len(items) == 0 {
		if _, err := s.participant(r, id); err != nil {
			return nil, err
		}
	}
	page := encode(items)
	s.cache.set(key, page)
	return page, nil
}

func (s *service) search(r *http.Request) ([]byte, error) {
	keywords := r.URL.Query().Get("keywords")
	if !fits(keywords, 500) {
		return nil, badRequest
	}
	rows, err := s.db.Query(r.Context(), sqlSearch, keywords)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	links := []string{}
	for rows.Next() {
		var author int64
		if err := rows.Scan(&author); err != nil {
			return nil, err
		}
		links = append(links, participantLink(author))
	}
	return encode(links), rows.Err()
}

func newItem(id, author int64, occurred time.Time, subject, story string) item {
	from := participantLink(author)
	return item{
		ID:       id,
		From:     from,
		Occurred: occurred.UTC().Format("2006-01-02T15:04:05.000Z07:00"),
		Subject:  subject,
		Story:    story,
		Link:     from + "/outbound/" + strconv.FormatInt(id, 10),
	}
}

func inboundKey(id int64) string {
	return "go:inbound:" + strconv.FormatInt(id, 10)
}

func participantLink(id int64) string {
	return "/participant/" + strconv.FormatInt(id, 10)
}

func parseID(text string) (int64, bool) {
	id, err := strconv.ParseInt(text, 10, 64)
	return id, err == nil && id > 0
}

func fits(text string, most int) bool {
	return text != "" && utf8.RuneCountInString(text) <= most
}

func decode(r *http.Request, into any) error {
	return json.NewDecoder(r.Body).Decode(into)
}

// Not json.Marshal, which escapes HTML too.
func encode(value any) []byte {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(err) // none of our types can fail
	}
	return buffer.Bytes()
}
