'use strict'

const cluster = require('node:cluster')
const fs = require('node:fs')
const os = require('node:os')
const express = require('express')
const memjs = require('memjs')
const pg = require('pg')

const { PORT, SOCKET, MEMCACHED_SOCKET, MEMCACHED_TCP } = process.env
const WORKERS = Number(process.env.WORKERS) || os.availableParallelism()

// To PostgreSQL, of each worker: all of them stay below its usual limit of 100.
const CONNECTIONS = Math.max(1, Math.min(8, Math.floor(80 / WORKERS)))

const CACHED_SECONDS = 3600

// --- PostgreSQL -------------------------------------------------------------

// Ids are far from 2^53, so they can be numbers rather than strings.
pg.types.setTypeParser(pg.types.builtins.INT8, Number)

// The rest of where and how to connect is in PGHOST, PGOPTIONS and so on.
const pool = new pg.Pool({ max: CONNECTIONS, idleTimeoutMillis: 0 })

// The pool replaces a connection that is lost.
pool.on('error', error => console.error(`express: ${error.message}`))

// A name makes it a prepared statement of the connection.
const statement = (name, text) => values => pool.query({ name, text, values })

const addParticipant = statement('add_participant', `
  INSERT INTO participant (name) VALUES ($1) RETURNING id`)

const findParticipant = statement('find_participant', `
  SELECT id, name FROM participant WHERE id = $1`)

const befriend = statement('befriend', `
  INSERT INTO friendship (participant_id, friend_id)
  VALUES ($1, $2), ($2, $1) ON CONFLICT DO NOTHING`)

const post = statement('post', `
  WITH post AS (
    INSERT INTO outbound (participant_id, subject, story)
    VALUES ($1, $2, $3) RETURNING id, occurred
  ), delivery AS (
    INSERT INTO inbound (participant_id, outbound_id)
    SELECT friend_id, post.id FROM post, friendship WHERE participant_id = $1
    RETURNING participant_id
  )
  SELECT id, occurred, array(SELECT participant_id FROM delivery) AS readers
  FROM post`)

const findInbound = statement('find_inbound', `
  SELECT o.id, o.participant_id, o.occurred, o.subject, o.story
  FROM inbound i JOIN outbound o ON o.id = i.outbound_id
  WHERE i.participant_id = $1 ORDER BY i.outbound_id DESC LIMIT 50`)

const search = statement('search', `
  SELECT participant_id
  FROM outbound, websearch_to_tsquery('simple', $1) words
  WHERE document @@ words GROUP BY participant_id
  ORDER BY max(ts_rank(document, words)) DESC, participant_id DESC LIMIT 50`)

// --- memcached --------------------------------------------------------------

// memjs hands its port to net.connect(), which takes a socket's path as well.
const [host, port] = MEMCACHED_SOCKET
  ? ['', MEMCACHED_SOCKET]
  : (MEMCACHED_TCP ?? '127.0.0.1:11211').split(':')

// The usual timeout of 0.5 s is soon over on a busy machine.
const cache = new memjs.Client([
  new memjs.Server(host, port, '', '', { timeout: 5 })
])

const inboundKey = id => `express:inbound:${id}`

// --- the service ------------------------------------------------------------

const participantLink = id => `/participant/${id}`
const outboundLink = (id, item) => `/participant/${id}/outbound/${item}`

const ID = /^[1-9]\d{0,18}$/
const REFERENCE = /^(?:\/participant\/)?([1-9]\d{0,18})$/

// Characters are counted only where there are more UTF-16 units than allowed.
const isText = (value, max) => typeof value === 'string' && value !== '' &&
  (value.length <= max || [...value].length <= max)

const app = express()
app.disable('x-powered-by')
app.disable('etag')

const json = express.json({ limit: '128kb' })

app.param('id', (req, res, next, id) => {
  next(ID.test(id) ? undefined : 'route')
})

app.post('/participant', json, async (req, res) => {
  const name = req.body?.name
  if (!isText(name, 100)) return res.sendStatus(400)
  const { rows: [{ id }] } = await addParticipant([name])
  res.json({ id, name, link: participantLink(id) })
})

app.get('/participant/:id', async (req, res) => {
  const { rows: [found] } = await findParticipant([req.params.id])
  if (!found) return res.sendStatus(404)
  res.json({ ...found, link: participantLink(found.id) })
})

app.post('/participant/:id/friends', json, async (req, res) => {
  const { id } = req.params
  const [, to] = REFERENCE.exec(req.body?.to) ?? []
  if (!to) return res.sendStatus(400)
  await befriend([id, to])
  res.json({
    id: Number(to),
    from: participantLink(id),
    to: participantLink(to)
  })
})

app.post('/participant/:id/outbound', json, async (req, res) => {
  const { subject, story } = req.body ?? {}
  if (!isText(subject, 200) || !isText(story, 20000)) {
    return res.sendStatus(400)
  }
  const author = req.params.id
  const { rows: [item] } = await post([author, subject, story])
  await Promise.all(item.readers.map(id => cache.delete(inboundKey(id))))
  res.json({
    id: item.id,
    from: participantLink(author),
    occurred: item.occurred,
    subject,
    story,
    link: outboundLink(author, item.id)
  })
})

// JSON that is text already goes past res.send(), which has nothing to add.
const sendText = (res, text) => {
  res.setHeader('Content-Type', 'application/json; charset=utf-8').end(text)
}

app.get('/participant/:id/inbound', async (req, res) => {
  const reader = req.params.id
  const key = inboundKey(reader)
  const { value: cached } = await cache.get(key)
  if (cached) return sendText(res, cached)

  const { rows } = await findInbound([reader])
  if (rows.length === 0) {
    const { rowCount } = await findParticipant([reader])
    if (rowCount === 0) return res.sendStatus(404)
  }
  const to = participantLink(reader)
  const feed = JSON.stringify(rows.map(item => ({
    id: item.id,
    from: participantLink(item.participant_id),
    to,
    occurred: item.occurred,
    subject: item.subject,
    story: item.story,
    link: outboundLink(item.participant_id, item.id)
  })))
  await cache.set(key, feed, { expires: CACHED_SECONDS })
  sendText(res, feed)
})

app.get('/outbound', async (req, res) => {
  const { keywords } = req.query
  if (!isText(keywords, 500)) return res.sendStatus(400)
  const { rows } = await search([keywords])
  res.json(rows.map(row => participantLink(row.participant_id)))
})

app.use((req, res) => res.sendStatus(404))

// What PostgreSQL refuses: a participant that is not there (or whose id is
// beyond a bigint), and text with a zero byte. A body that is no JSON brings
// its status along.
const refusals = { 23503: 404, '22003': 404, '22021': 400 }

app.use((error, req, res, next) => {
  const status = refusals[error.code] ?? error.status ?? 500
  if (status === 500) console.error(error)
  res.sendStatus(status)
})

// --- processes --------------------------------------------------------------

const die = error => {
  console.error(`express: ${error.message}`)
  process.exit(1)
}

// nginx keeps a connection for 60 s, so it is not for this side to end it.
const listen = options => new Promise((resolve, reject) => {
  const server = app.listen(options, error => {
    if (error) reject(error)
    else resolve()
  })
  server.keepAliveTimeout = 75_000
})

const startWorker = async () => {
  await pool.query('SELECT 1')
  await cache.get('express')
  if (PORT) await listen({ host: '127.0.0.1', port: Number(PORT) })
  if (SOCKET) {
    await listen({ path: SOCKET, readableAll: true, writableAll: true })
  }
}

// Workers end with the first process, and it ends with the first of them.
const startAll = () => {
  if (!PORT && !SOCKET) die(new Error('neither PORT nor SOCKET is set'))
  if (SOCKET) fs.rmSync(SOCKET, { force: true })
  process.on('SIGTERM', () => process.exit())
  cluster.on('exit', () => {
    process.exitCode = 1
    for (const worker of Object.values(cluster.workers)) worker.process.kill()
  })
  for (let i = 0; i < WORKERS; i++) cluster.fork()
}

if (cluster.isPrimary) startAll()
else startWorker().catch(die)
